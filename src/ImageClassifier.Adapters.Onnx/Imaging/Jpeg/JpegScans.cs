using System.Buffers.Binary;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Checks that a Huffman-coded JPEG has all the data of all its scans.</summary>
internal static class JpegScans
{
    private const int Tables = 8;

    /// <summary>Reads all scans.</summary>
    /// <param name="file">A file with an accepted header.</param>
    /// <param name="header">The header.</param>
    /// <param name="isTimeOver">True to stop. The result is then false.</param>
    public static bool AreComplete(ReadOnlySpan<byte> file, JpegHeader header, Func<bool> isTimeOver)
    {
        var frame = header.Frame;
        var nonZero = new NonZeroCoefficients?[frame.Components.Length];
        try
        {
            if (frame.IsProgressive)
            {
                for (var i = 0; i < nonZero.Length; i++)
                {
                    var (across, down) = ScanWalk.BlocksOf(frame, frame.Components[i]);
                    nonZero[i] = new NonZeroCoefficients(across * down);
                }
            }

            return WalkAll(file[..header.Length], frame, nonZero, isTimeOver);
        }
        finally
        {
            foreach (var component in nonZero) component?.Dispose();
        }
    }

    private static bool WalkAll(
        ReadOnlySpan<byte> file, JpegFrame frame, NonZeroCoefficients?[] nonZero, Func<bool> isTimeOver)
    {
        var tables = new HuffmanTable?[Tables];
        var restartInterval = 0;
        var segments = new JpegSegments(file);
        while (segments.MoveNext())
        {
            switch (segments.Marker)
            {
                case JpegMarker.HuffmanTables:
                    if (!HuffmanTable.ReadAll(segments.Content, tables)) return false;
                    break;
                case JpegMarker.RestartInterval:
                    restartInterval = BinaryPrimitives.ReadUInt16BigEndian(segments.Content);
                    break;
                case JpegMarker.StartOfScan:
                    var scan = JpegScan.Read(frame, segments.Content)!;
                    var blocks = nonZero[scan.Components[0].Index] is { } known ? known.Blocks : [];
                    var walk = new ScanWalk(frame, scan, tables, blocks, file[segments.End..]);
                    if (!walk.IsComplete(restartInterval, isTimeOver)) return false;
                    break;
            }
        }

        return true;
    }
}
