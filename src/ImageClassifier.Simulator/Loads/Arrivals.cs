namespace ImageClassifier.Simulator.Loads;

/// <summary>The arrivals of pictures.</summary>
public sealed class Arrivals
{
    private Arrivals(long[] ticks, string name) => (Ticks, Name) = (ticks, name);

    /// <summary>The name of the load: its notation.</summary>
    public string Name { get; }

    /// <summary>The number of pictures.</summary>
    public int Count => Ticks.Length;

    /// <summary>The arrival of each picture, in ticks, in order; never negative.</summary>
    internal long[] Ticks { get; }

    /// <summary>Creates arrivals from ticks since the start of the load, in any order.</summary>
    internal static Arrivals Create(string name, long[] ticks)
    {
        Array.Sort(ticks);
        return new Arrivals(ticks, name);
    }
}
