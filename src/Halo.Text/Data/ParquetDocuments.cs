using Halo.Core;
using ParquetSharp;

namespace Halo.Text.Data;

/// <summary>Reads the column <c>text</c> of a parquet file, as FineWeb-Edu has it.</summary>
internal static class ParquetDocuments
{
    private const int Batch = 64;

    public static IEnumerable<Document> Read(string path)
    {
        using ParquetFileReader file = Guard(path, () => new ParquetFileReader(path));
        int column = Guard(path, () => TextColumn(file, path));
        long number = 0;
        int groups = Guard(path, () => file.FileMetaData.NumRowGroups);
        for (int group = 0; group < groups; group++)
        {
            using RowGroupReader rows = Guard(path, () => file.RowGroup(group));
            using ColumnReader raw = Guard(path, () => rows.Column(column));
            using LogicalColumnReader<string?> reader = Guard(path, () => raw.LogicalReader<string?>());
            var buffer = new string?[Batch];
            while (Guard(path, () => reader.HasNext))
            {
                int count = Guard(path, () => reader.ReadBatch(buffer));
                for (int i = 0; i < count; i++)
                {
                    yield return new Document($"{path}: row {number++}", buffer[i] ?? "");
                }
            }
        }
    }

    private static int TextColumn(ParquetFileReader file, string path)
    {
        SchemaDescriptor schema = file.FileMetaData.Schema;
        for (int i = 0; i < schema.NumColumns; i++)
        {
            if (schema.Column(i).Path.ToDotString() == "text")
            {
                return i;
            }
        }

        throw new HaloException("the file has no column 'text'", path, "give parquet files with a string column text, as FineWeb-Edu has it");
    }

    private static T Guard<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is ParquetException or InvalidCastException or FormatException or OverflowException)
        {
            throw TextFile.Damaged(path, error);
        }
    }
}
