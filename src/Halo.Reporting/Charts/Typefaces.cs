using System.IO.Compression;
using ScottPlot;
using SkiaSharp;

namespace Halo.Reporting;

/// <summary>The fonts of the pictures, read from inside the library so that a machine without fonts draws the same text.</summary>
internal sealed class Typefaces : IFontResolver
{
    /// <summary>Family name by which plots ask for the fonts.</summary>
    public const string Family = "Halo Roboto";

    private static readonly Lazy<Typefaces> Shared = new(() =>
    {
        var resolver = new Typefaces();
        Fonts.FontResolvers.Insert(0, resolver);
        Fonts.Default = Family;
        return resolver;
    });

    private Typefaces()
    {
        Regular = Load("Roboto-Regular.ttf.br");
        Medium = Load("Roboto-Medium.ttf.br");
    }

    /// <summary>The fonts, made known to ScottPlot on first use.</summary>
    public static Typefaces Instance => Shared.Value;

    /// <summary>For text.</summary>
    public SKTypeface Regular { get; }

    /// <summary>For titles.</summary>
    public SKTypeface Medium { get; }

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) =>
        fontName == Family ? (bold ? Medium : Regular) : null;

    /// <inheritdoc/>
    public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) =>
        CreateTypeface(fontName, weight >= FontWeight.Medium, false);

    private static SKTypeface Load(string name)
    {
        using Stream resource = typeof(Typefaces).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"the library lacks its font {name}");
        using var unpacked = new MemoryStream();
        using (var brotli = new BrotliStream(resource, CompressionMode.Decompress))
        {
            brotli.CopyTo(unpacked);
        }

        using SKData data = SKData.CreateCopy(unpacked.ToArray());
        return SKTypeface.FromData(data) ?? throw new InvalidOperationException($"the font {name} cannot be read");
    }
}
