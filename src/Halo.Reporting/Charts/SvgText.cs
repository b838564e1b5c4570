using System.Text;
using System.Xml.Linq;

namespace Halo.Reporting;

/// <summary>Mends what Skia wrote for a panel.</summary>
internal static class SvgText
{
    /// <summary>
    /// ScottPlot draws a plot twice to learn the sizes of its labels, and clears the canvas before each: a rectangle without a fill, which is black in SVG.
    /// All from the first to the last of them of a plot goes; the alternative becomes the title.
    /// </summary>
    public static byte[] Finish(byte[] svg, string alternative)
    {
        XDocument document = XDocument.Parse(Encoding.UTF8.GetString(svg));
        XElement root = document.Root!;
        foreach (IGrouping<string?, XElement> plot in root.Elements().Where(IsCleared).GroupBy(one => (string?)one.Attribute("transform")).ToArray())
        {
            XElement last = plot.Last();
            foreach (XElement one in plot.First().ElementsAfterSelf().TakeWhile(one => one != last).Prepend(plot.First()).Append(last).Distinct().ToArray())
            {
                one.Remove();
            }
        }

        foreach (XAttribute font in root.Descendants().Attributes("font-family"))
        {
            font.Value += ", sans-serif"; // For readers without Roboto.
        }

        root.AddFirst(new XElement(root.Name.Namespace + "title", alternative));
        return Encoding.UTF8.GetBytes(document.Declaration + "\n" + document.ToString(SaveOptions.DisableFormatting) + "\n");
    }

    private static bool IsCleared(XElement element) => element.Name.LocalName == "rect" && element.Attribute("fill") is null;
}
