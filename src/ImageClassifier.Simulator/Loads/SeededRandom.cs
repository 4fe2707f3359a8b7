namespace ImageClassifier.Simulator.Loads;

/// <summary>Random numbers that depend only on a seed, on every version of .NET: xoshiro256** (Blackman and Vigna,
/// 2018), seeded by SplitMix64.</summary>
internal sealed class SeededRandom : Random
{
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>Creates the generator.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="stream">The purpose of the numbers. Each purpose has its own sequence, independent of the
    /// others.</param>
    public SeededRandom(int seed, int stream)
    {
        var state = ((ulong)(uint)seed << 32) | (uint)stream;
        _s0 = SplitMix(ref state);
        _s1 = SplitMix(ref state);
        _s2 = SplitMix(ref state);
        _s3 = SplitMix(ref state);
    }

    /// <summary>Exponentially distributed with a mean of 1.</summary>
    public double NextExponential() => -Math.Log(1 - NextDouble());

    /// <summary>Normally distributed with mean 0 and deviation 1 (Box and Muller, 1958).</summary>
    public double NextNormal() => Math.Sqrt(2 * NextExponential()) * Math.Cos(2 * Math.PI * NextDouble());

    /// <inheritdoc />
    public override double NextDouble() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    /// <inheritdoc />
    public override int Next() => Next(int.MaxValue);

    /// <inheritdoc />
    public override int Next(int maxValue) => (int)(NextDouble() * maxValue);

    /// <inheritdoc />
    public override int Next(int minValue, int maxValue) =>
        (int)(minValue + (long)(NextDouble() * ((long)maxValue - minValue)));

    /// <inheritdoc />
    public override long NextInt64() => (long)(NextBits() >> 1);

    /// <inheritdoc />
    protected override double Sample() => NextDouble();

    private ulong NextBits()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
