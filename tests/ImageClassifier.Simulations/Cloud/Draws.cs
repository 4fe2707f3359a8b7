namespace ImageClassifier.Simulations.Cloud;

/// <summary>Randomness that a seed fixes. Each random thing has its own generator, so its value does not depend on the
/// order of events.</summary>
internal static class Draws
{
    /// <summary>The generator for the thing number <paramref name="index"/> of a kind.</summary>
    public static Random Of(int seed, Drawn kind, int index)
    {
        unchecked
        {
            return new Random((((seed * 486187739) + (int)kind) * 16777619) + (index * 7919));
        }
    }
}

/// <summary>The kinds of random things.</summary>
internal enum Drawn
{
    /// <summary>When pictures arrive.</summary>
    Arrivals,

    /// <summary>How long an instance boots.</summary>
    Boot,

    /// <summary>Which instances fail.</summary>
    Faults,

    /// <summary>How a launch call fails.</summary>
    Launches,

    /// <summary>When an instance dies.</summary>
    Deaths,
}
