namespace ImageClassifier.Simulations.Cloud;

/// <summary>Chance that a seed fixes: each thing that is drawn has a generator of its own, so that it does not depend
/// on the order in which things happen.</summary>
internal static class Draws
{
    /// <summary>The generator for the <paramref name="index"/>th thing of a kind.</summary>
    public static Random Of(int seed, Drawn kind, int index)
    {
        unchecked
        {
            return new Random((((seed * 486187739) + (int)kind) * 16777619) + (index * 7919));
        }
    }
}

/// <summary>What is drawn.</summary>
internal enum Drawn
{
    /// <summary>When pictures come.</summary>
    Arrivals,

    /// <summary>How an instance boots.</summary>
    Boot,

    /// <summary>What fails.</summary>
    Faults,

    /// <summary>How a launch fails.</summary>
    Launches,

    /// <summary>When an instance dies.</summary>
    Deaths,
}
