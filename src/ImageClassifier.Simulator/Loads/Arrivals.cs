namespace ImageClassifier.Simulator.Loads;

/// <summary>When pictures arrive.</summary>
public sealed class Arrivals
{
    private Arrivals(long[] ticks, string name) => (Ticks, Name) = (ticks, name);

    /// <summary>What the load is called: as it was written.</summary>
    public string Name { get; }

    /// <summary>How many pictures there are.</summary>
    public int Count => Ticks.Length;

    /// <summary>Each picture's arrival, in ticks, in order; none is negative.</summary>
    internal long[] Ticks { get; }

    /// <summary>Takes arrivals in any order, in ticks from the load's beginning.</summary>
    internal static Arrivals Create(string name, long[] ticks)
    {
        Array.Sort(ticks);
        return new Arrivals(ticks, name);
    }
}
