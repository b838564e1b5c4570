using ParquetSharp;

namespace Halo.Text.Tests;

/// <summary>Parquet files for tests.</summary>
internal static class ParquetFiles
{
    /// <summary>A file with the columns id and NAME.</summary>
    public static byte[] Of<T>(string name, T[] values, Compression compression = Compression.Snappy)
    {
        using var memory = new MemoryStream();
        using (var output = new ParquetSharp.IO.ManagedOutputStream(memory, leaveOpen: true))
        using (var parquet = new ParquetFileWriter(output, [new Column<int>("id"), new Column<T>(name)], compression))
        {
            using RowGroupWriter group = parquet.AppendRowGroup();
            using (LogicalColumnWriter<int> column = group.NextColumn().LogicalWriter<int>())
            {
                column.WriteBatch([.. Enumerable.Range(0, values.Length)]);
            }

            using (LogicalColumnWriter<T> column = group.NextColumn().LogicalWriter<T>())
            {
                column.WriteBatch(values);
            }

            parquet.Close();
        }

        return memory.ToArray();
    }
}
