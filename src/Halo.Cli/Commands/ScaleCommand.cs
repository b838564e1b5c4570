using System.CommandLine;
using Halo.Conversion;
using Halo.Conversion.Recipes;
using Halo.Core;
using Halo.Models;
using Halo.Text.Data;

namespace Halo.Cli.Commands;

/// <summary><c>halo scale MODEL --data DIR</c>.</summary>
internal static class ScaleCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "HypeNet folder; its config.json is changed." };
        var data = new Option<string[]>("--data") { Description = "Long training-like text.", AllowMultipleArgumentsPerToken = true, Required = true };
        var length = new Option<int>("--length") { Description = "Tokens of a row.", DefaultValueFactory = _ => 65536 };
        var rows = new Option<int>("--rows") { Description = "Rows.", DefaultValueFactory = _ => 8 };
        var device = CommonOptions.Device();
        var type = CommonOptions.Type();
        var json = CommonOptions.Json();
        var command = new Command("scale", "Finds a of the position-dependent logits scaling by the language-modelling loss on long text and writes attn_logits_scaling.") { model, data, length, rows, device, type, json }
            .WithExamples("halo scale runs/nano/model --data books/ --length 65536");
        CommandRunner.Handle(command, (parse, cancellation) =>
        {
            string folder = parse.GetRequiredValue(model);
            if (!ModelConfiguration.Load(folder).IsHypeNet)
            {
                throw new HaloException("the model is no HypeNet", folder, "give a HypeNet: attention with RoPE is not scaled");
            }

            using var loaded = LoadedModel.Load(folder, parse.GetRequiredValue(device), parse.GetValue(type));
            string cache = Directory.CreateTempSubdirectory("halo-scale-").FullName;
            try
            {
                // Half of the documents at most can be held out; nothing is trained here, so as much as possible is measured on.
                using var set = new DataSet(new DataSpecification { HeldOut = 0.5 }, parse.GetRequiredValue(data), loaded.Tokenizer, cache, new ConsoleRunLog(), cancellation);
                var specification = new ScaleSpecification { RowLength = parse.GetValue(length), Rows = parse.GetValue(rows) };
                if (specification.RowLength < 64 || specification.Rows < 1)
                {
                    throw new HaloException("--length must be at least 64 and --rows at least 1", "halo scale", "give larger numbers");
                }

                ScalingResult found = ScalingSearch.Run(loaded.Model, specification, set, new ConsoleRunLog(), cancellation);
                (ModelConfiguration.Load(folder) with { AttnLogitsScaling = found.Scaling }).Save(folder);
                if (parse.GetValue(json))
                {
                    JsonOutput.Write(found.ToJson());
                }
                else
                {
                    Console.Out.WriteLine(found);
                }

                return 0;
            }
            finally
            {
                Directory.Delete(cache, true);
            }
        });
        return command;
    }
}
