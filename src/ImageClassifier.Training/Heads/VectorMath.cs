using System.Numerics;
using System.Runtime.InteropServices;

namespace ImageClassifier.Training.Heads;

/// <summary>The loops in which training spends its time, on vectors of the processor's width.</summary>
internal static class VectorMath
{
    /// <summary>The scalar product.</summary>
    public static float Dot(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        var a = Vectors(left);
        var b = Vectors(right);
        var (even, odd) = (Vector<float>.Zero, Vector<float>.Zero);
        var i = 0;
        // Two sums, so that one addition does not wait for the last one.
        for (; i + 1 < a.Length; i += 2)
        {
            even = Vector.FusedMultiplyAdd(a[i], b[i], even);
            odd = Vector.FusedMultiplyAdd(a[i + 1], b[i + 1], odd);
        }

        if (i < a.Length) even = Vector.FusedMultiplyAdd(a[i], b[i], even);
        var sum = Vector.Sum(even + odd);
        for (var k = a.Length * Vector<float>.Count; k < left.Length; k++) sum += left[k] * right[k];
        return sum;
    }

    /// <summary>Adds four rows, each times its factor, to a sum.</summary>
    public static void AddFour(
        Span<float> sum, (float A, float B, float C, float D) factors,
        ReadOnlySpan<float> a, ReadOnlySpan<float> b, ReadOnlySpan<float> c, ReadOnlySpan<float> d)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var va = Vectors(a);
        var vb = Vectors(b);
        var vc = Vectors(c);
        var vd = Vectors(d);
        var (fa, fb) = (new Vector<float>(factors.A), new Vector<float>(factors.B));
        var (fc, fd) = (new Vector<float>(factors.C), new Vector<float>(factors.D));
        for (var i = 0; i < sums.Length; i++)
        {
            var left = Vector.FusedMultiplyAdd(va[i], fa, vb[i] * fb);
            var right = Vector.FusedMultiplyAdd(vc[i], fc, vd[i] * fd);
            sums[i] += left + right;
        }

        for (var k = sums.Length * Vector<float>.Count; k < sum.Length; k++)
            sum[k] += a[k] * factors.A + b[k] * factors.B + c[k] * factors.C + d[k] * factors.D;
    }

    /// <summary>Adds a row times a factor to a sum.</summary>
    public static void Add(Span<float> sum, float factor, ReadOnlySpan<float> row)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var rows = Vectors(row);
        var factors = new Vector<float>(factor);
        for (var i = 0; i < sums.Length; i++) sums[i] = Vector.FusedMultiplyAdd(rows[i], factors, sums[i]);
        for (var k = sums.Length * Vector<float>.Count; k < sum.Length; k++) sum[k] += row[k] * factor;
    }

    private static ReadOnlySpan<Vector<float>> Vectors(ReadOnlySpan<float> numbers) =>
        MemoryMarshal.Cast<float, Vector<float>>(numbers);
}
