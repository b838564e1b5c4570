using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Halo.Core;
using ParquetSharp;

namespace Halo.Evaluation;

/// <summary>Reads parquet files of benchmarks as JSON objects: columns of text, numbers and booleans, structures of them, and lists one level deep.</summary>
internal static class ParquetRecords
{
    private const int Batch = 1024;

    /// <summary>All rows.</summary>
    /// <exception cref="HaloException">The file is broken.</exception>
    public static IReadOnlyList<JsonObject> Read(string path)
    {
        var records = new List<JsonObject>();
        try
        {
            using var file = new ParquetFileReader(path);
            SchemaDescriptor schema = file.FileMetaData.Schema;
            for (int group = 0; group < file.FileMetaData.NumRowGroups; group++)
            {
                using RowGroupReader rows = file.RowGroup(group);
                int first = records.Count;
                for (int column = 0; column < schema.NumColumns; column++)
                {
                    ColumnDescriptor descriptor = schema.Column(column);
                    if (descriptor.MaxRepetitionLevel <= 1)
                    {
                        using ColumnReader reader = rows.Column(column);
                        Fill(records, first, reader, Keys(descriptor));
                    }
                }
            }

            return records;
        }
        catch (Exception error) when (error is ParquetException or InvalidCastException or FormatException or OverflowException or ArgumentException or InvalidOperationException or IOException)
        {
            throw new HaloException($"the parquet file is damaged or of an unknown kind ({error.Message.TrimEnd('.')})", path, "get the file again, or give the set as jsonl", error);
        }
    }

    /// <summary>A column's place in the record: its path without the two levels that parquet puts into a list.</summary>
    private static string[] Keys(ColumnDescriptor descriptor)
    {
        string[] path = descriptor.Path.ToDotVector();
        return descriptor.MaxRepetitionLevel == 0 ? path : path.Length > 2 ? path[..^2] : path[..1];
    }

    private static void Fill(List<JsonObject> records, int first, ColumnReader reader, string[] keys)
    {
        bool list = reader.ColumnDescriptor.MaxRepetitionLevel == 1;
        switch (reader)
        {
            case ColumnReader<ByteArray> text: Fill(records, first, text, keys, list, value => Marshal.PtrToStringUTF8(value.Pointer, value.Length)); break;
            case ColumnReader<int> number: Fill(records, first, number, keys, list, value => value); break;
            case ColumnReader<long> number: Fill(records, first, number, keys, list, value => value); break;
            case ColumnReader<float> number: Fill(records, first, number, keys, list, value => value); break;
            case ColumnReader<double> number: Fill(records, first, number, keys, list, value => value); break;
            case ColumnReader<bool> flag: Fill(records, first, flag, keys, list, value => value); break;
            default: break;
        }
    }

    private static void Fill<T>(List<JsonObject> records, int first, ColumnReader<T> reader, string[] keys, bool list, Func<T, JsonNode?> node)
        where T : unmanaged
    {
        short whole = reader.ColumnDescriptor.MaxDefinitionLevel;
        var definitions = new short[Batch];
        var repetitions = new short[Batch];
        var values = new T[Batch];
        int row = first - 1;
        JsonArray? entries = null;
        while (reader.HasNext)
        {
            long levels = reader.ReadBatch(Batch, definitions, repetitions, values, out _);
            for (int level = 0, value = 0; level < levels; level++)
            {
                // Columns that are required, or in no list, leave these levels unwritten.
                bool present = whole == 0 || definitions[level] == whole;
                JsonNode? read = present ? node(values[value++]) : null;
                if (list && repetitions[level] > 0)
                {
                    entries?.Add(read);
                    continue;
                }

                row++;
                if (row == records.Count)
                {
                    records.Add([]);
                }

                entries = list ? [] : null;
                if (list && present)
                {
                    entries!.Add(read);
                }

                Put(records[row], keys, list ? entries : read);
            }
        }
    }

    private static void Put(JsonObject record, string[] keys, JsonNode? value)
    {
        foreach (string key in keys[..^1])
        {
            if (record[key] is not JsonObject inner)
            {
                inner = [];
                record[key] = inner;
            }

            record = inner;
        }

        record[keys[^1]] = value;
    }
}
