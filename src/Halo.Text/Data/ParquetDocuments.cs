using System.Text;
using Halo.Core;
using ParquetSharp;

namespace Halo.Text.Data;

/// <summary>Reads the column <c>text</c> of a parquet file, as FineWeb-Edu has it. Rows without a value are empty documents.</summary>
internal static class ParquetDocuments
{
    private const int Batch = 64;
    private const string Remedy = "give parquet files with a string column text, as FineWeb-Edu has it";
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static IEnumerable<Document> Read(string path)
    {
        // Opened once before the native reader, for the messages of a missing or forbidden file.
        TextFile.OpenBytes(path).Dispose();
        using ParquetFileReader file = Guard(path, () => new ParquetFileReader(path));
        int column = Guard(path, () => TextColumn(file, path));
        long number = 0;
        int groups = Guard(path, () => file.FileMetaData.NumRowGroups);
        for (int group = 0; group < groups; group++)
        {
            using RowGroupReader rows = Guard(path, () => file.RowGroup(group));
            using ColumnReader raw = Guard(path, () => rows.Column(column));
            using LogicalColumnReader<byte[]?> reader = Guard(path, () => raw.LogicalReaderOverride<byte[]?>(Batch));
            var buffer = new byte[]?[Batch];
            while (Guard(path, () => reader.HasNext))
            {
                int count = Guard(path, () => reader.ReadBatch(buffer));
                if (count <= 0)
                {
                    throw TextFile.Damaged(path, new InvalidDataException("a column has fewer rows than it says"));
                }

                for (int i = 0; i < count; i++)
                {
                    string where = $"{path}: row {number++}";
                    yield return new Document(where, Decode(buffer[i], where));
                }
            }
        }
    }

    private static string Decode(byte[]? bytes, string where)
    {
        if (bytes is { Length: > Corpus.LongestDocument })
        {
            throw new HaloException($"the document is longer than {Corpus.LongestDocument:N0} bytes", where, "split the document");
        }

        return bytes is null ? "" : TextFile.Guard(where, () => Strict.GetString(bytes));
    }

    private static int TextColumn(ParquetFileReader file, string path)
    {
        SchemaDescriptor schema = file.FileMetaData.Schema;
        for (int i = 0; i < schema.NumColumns; i++)
        {
            ColumnDescriptor column = schema.Column(i);
            if (column.Path.ToDotString() != "text")
            {
                continue;
            }

            return column.PhysicalType == PhysicalType.ByteArray && column.MaxRepetitionLevel == 0 && column.LogicalType.Type is LogicalTypeEnum.String or LogicalTypeEnum.None or LogicalTypeEnum.Json
                ? i
                : throw new HaloException($"the column 'text' holds no strings but {column.PhysicalType} ({column.LogicalType.Type})", path, Remedy);
        }

        throw new HaloException("the file has no column 'text'", path, Remedy);
    }

    /// <summary>The native reader throws many kinds; whatever it is, the file is what is wrong.</summary>
    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is not HaloException)
        {
            throw TextFile.Damaged(path, error);
        }
    }
}
