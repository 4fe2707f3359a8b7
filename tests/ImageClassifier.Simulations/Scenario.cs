using ImageClassifier.Simulations.Cloud;

namespace ImageClassifier.Simulations;

/// <summary>What is simulated. Times count from its beginning; the web tier has been up for a while by then.</summary>
internal sealed record Scenario
{
    /// <summary>What is uploaded.</summary>
    public required IReadOnlyList<Arrival> Arrivals { get; init; }

    /// <summary>How the cloud is.</summary>
    public CloudSettings Cloud { get; init; } = new();

    /// <summary>Settings that differ from those of AWS, each as <c>key=value</c> below <c>image-classifier</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>What else happens.</summary>
    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>When the last upload comes.</summary>
    public TimeSpan LastArrival => Arrivals.Max(arrival => arrival.At);
}

/// <summary>Pictures that are uploaded together.</summary>
/// <param name="At">When.</param>
/// <param name="Pictures">How many.</param>
/// <param name="Poison">How many of them, in their midst, kill the node that decodes them.</param>
internal sealed record Arrival(TimeSpan At, int Pictures, int Poison = 0);

/// <summary>Something that happens to the cloud.</summary>
internal sealed record Incident(TimeSpan At, Action<Simulation> Happen);
