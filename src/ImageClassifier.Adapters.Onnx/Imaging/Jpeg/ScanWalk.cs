using System.Numerics;

namespace ImageClassifier.Adapters.Onnx.Imaging.Jpeg;

/// <summary>Reads the codes of one Huffman-coded scan, without decoding them, to check that all its blocks are there
/// (ITU-T T.81, annexes F and G).</summary>
/// <param name="frame">The frame of the scan.</param>
/// <param name="scan">The scan.</param>
/// <param name="tables">The Huffman tables at the start of the scan. The first four are for first coefficients.</param>
/// <param name="nonZero">The coefficients of the scan's first component that earlier scans made non-zero; empty if the
/// frame is not progressive.</param>
/// <param name="data">The file from the first byte of the scan's data.</param>
internal ref struct ScanWalk(
    JpegFrame frame, JpegScan scan, ReadOnlySpan<HuffmanTable?> tables, Span<ulong> nonZero, ReadOnlySpan<byte> data)
{
    private const int BlockSide = 8;

    // A run of 16 zero coefficients; in the bands of a progressive scan, a run of blocks.
    private const int LongestRun = 15;

    private readonly JpegFrame _frame = frame;
    private readonly JpegScan _scan = scan;
    private readonly ReadOnlySpan<HuffmanTable?> _tables = tables;
    private readonly Span<ulong> _nonZero = nonZero;
    private EntropyBits _bits = new(data);
    private int _emptyBlocks;

    /// <summary>The number of blocks of a component in a scan of its own, across and down.</summary>
    public static (int Across, int Down) BlocksOf(JpegFrame frame, JpegComponent component) => (
        Quotient(Quotient(frame.Width * component.Across, frame.MostAcross), BlockSide),
        Quotient(Quotient(frame.Height * component.Down, frame.MostDown), BlockSide));

    /// <summary>True if all blocks are there.</summary>
    /// <param name="restartInterval">The units between two restart markers; zero if there are none.</param>
    /// <param name="isTimeOver">True to stop. The result is then false.</param>
    public bool IsComplete(int restartInterval, Func<bool> isTimeOver)
    {
        if (!HasTables()) return false;
        var (across, down) = _scan.Components is [var only]
            ? BlocksOf(_frame, _frame.Components[only.Index])
            : (Quotient(_frame.Width, BlockSide * _frame.MostAcross),
                Quotient(_frame.Height, BlockSide * _frame.MostDown));
        var untilRestart = restartInterval;
        for (var y = 0; y < down; y++)
        {
            if (isTimeOver()) return false;
            for (var x = 0; x < across; x++)
            {
                if (restartInterval > 0 && untilRestart-- == 0)
                {
                    if (!_bits.Restart()) return false;
                    _emptyBlocks = 0;
                    untilRestart = restartInterval - 1;
                }

                if (!WalkUnit(y * across + x)) return false;
            }
        }

        return true;
    }

    private static int Quotient(int dividend, int divisor) => (dividend + divisor - 1) / divisor;

    private readonly bool HasTables()
    {
        foreach (var component in _scan.Components)
        {
            var needsDc = _scan.First == 0 && !_scan.IsRefinement;
            var needsAc = _scan.Last > 0;
            if ((needsDc && DcTable(component) is null) || (needsAc && AcTable(component) is null)) return false;
        }

        return true;
    }

    private readonly HuffmanTable? DcTable(JpegScanComponent component) => _tables[component.DcTable];

    private readonly HuffmanTable? AcTable(JpegScanComponent component) => _tables[4 + component.AcTable];

    private bool WalkUnit(int unit)
    {
        var isInterleaved = _scan.Components.Length > 1;
        foreach (var component in _scan.Components)
        {
            for (var blocks = isInterleaved ? _frame.Components[component.Index].Blocks : 1; blocks > 0; blocks--)
            {
                if (!WalkBlock(component, unit) || _bits.IsOverdrawn) return false;
            }
        }

        return true;
    }

    private bool WalkBlock(JpegScanComponent component, int block)
    {
        if (!_frame.IsProgressive) return WalkFirstCoefficient(component) && WalkSequentialBand(AcTable(component)!);
        if (_scan.First > 0)
        {
            return _scan.IsRefinement
                ? RefineBand(AcTable(component)!, ref _nonZero[block])
                : WalkProgressiveBand(AcTable(component)!, block);
        }

        if (!_scan.IsRefinement) return WalkFirstCoefficient(component);
        _bits.Skip(1);
        return true;
    }

    // The symbol is the number of bits of the value.
    private bool WalkFirstCoefficient(JpegScanComponent component) =>
        _bits.Symbol(DcTable(component)!) is >= 0 and <= 15;

    private bool WalkSequentialBand(HuffmanTable table)
    {
        for (var k = 1; k <= JpegScan.LastCoefficient; k++)
        {
            var symbol = _bits.Symbol(table);
            if (symbol < 0) return false;
            var (zeros, size) = (symbol >> 4, symbol & 15);
            if (size == 0 && zeros != LongestRun) break;
            k += zeros;
        }

        return true;
    }

    private bool WalkProgressiveBand(HuffmanTable table, int block)
    {
        if (_emptyBlocks > 0)
        {
            _emptyBlocks--;
            return true;
        }

        for (var k = _scan.First; k <= _scan.Last; k++)
        {
            var symbol = _bits.Symbol(table);
            if (symbol < 0) return false;
            var (zeros, size) = (symbol >> 4, symbol & 15);
            if (size == 0 && zeros != LongestRun)
            {
                _emptyBlocks = EmptyBlocks(zeros) - 1;
                break;
            }

            k += zeros;
            if (size > 0 && k <= _scan.Last) _nonZero[block] |= 1UL << k;
        }

        return true;
    }

    private bool RefineBand(HuffmanTable table, ref ulong nonZero)
    {
        var k = _scan.First;
        for (; _emptyBlocks == 0 && k <= _scan.Last; k++)
        {
            var symbol = _bits.Symbol(table);
            if (symbol < 0) return false;
            var (zeros, isNew) = (symbol >> 4, (symbol & 15) != 0);
            if (!isNew && zeros != LongestRun)
            {
                _emptyBlocks = EmptyBlocks(zeros);
                break;
            }

            for (; k <= _scan.Last; k++)
            {
                if ((nonZero >> k & 1) != 0) _bits.Skip(1);
                else if (zeros-- == 0) break;
            }

            if (isNew && k <= _scan.Last) nonZero |= 1UL << k;
        }

        if (_emptyBlocks == 0) return true;
        // For the rest of this block, the scan has bits only for coefficients that are not zero.
        _bits.Skip(BitOperations.PopCount(nonZero >> k << (k + JpegScan.LastCoefficient - _scan.Last)));
        _emptyBlocks--;
        return true;
    }

    private int EmptyBlocks(int bits) => (1 << bits) + (bits > 0 ? _bits.Number(bits) : 0);
}
