using Akka.Configuration;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulations.Cloud;

namespace ImageClassifier.Simulations;

/// <summary>What is simulated. Times count from its beginning; the web tier has been up for a while by then.</summary>
internal sealed record Scenario
{
    /// <summary>What is uploaded.</summary>
    public required IReadOnlyList<Arrival> Arrivals { get; init; }

    /// <summary>How the cloud is.</summary>
    public CloudSettings Cloud { get; init; } = new();

    /// <summary>Settings that differ from those of AWS: <c>key=value</c> below <c>image-classifier</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>What else happens.</summary>
    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>Whether the latency policy begins with the service time as it is, as where it was measured
    /// before.</summary>
    public bool KnowsServiceTime { get; init; } = true;

    /// <summary>How long after the last upload a launch may follow although nothing failed. A launch is a call that
    /// takes a while, and what came meanwhile needs another.</summary>
    public TimeSpan LaunchesWithin { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Whether nothing fails in it.</summary>
    public bool IsUntroubled => Incidents.Count == 0 && Cloud.IsUntroubled
        && Arrivals.All(arrival => arrival.Poison == 0);

    /// <summary>When the last upload comes.</summary>
    public TimeSpan LastArrival => Arrivals.Max(arrival => arrival.At);

    /// <summary>The program's settings on AWS, with what differs here.</summary>
    public Config Load(ProgramRole role)
    {
        var assumed = FormattableString.Invariant(
            $"scaling.latency.service-time={Cloud.ServiceTime.TotalMilliseconds}ms");
        string[] settings =
        [
            "environment=aws", "scaling.kept-decisions=1000", .. KnowsServiceTime ? [assumed] : Array.Empty<string>(),
            .. Settings,
        ];
        return ProgramSettings.Load(
            role, new SettingsSources { Assignments = [.. settings.Select(setting => $"image-classifier.{setting}")] });
    }
}

/// <summary>Pictures that are uploaded together.</summary>
/// <param name="At">When.</param>
/// <param name="Pictures">How many.</param>
/// <param name="Poison">How many of them, in their midst, kill the node that decodes them.</param>
/// <param name="Undecodable">How many of them, at their end, are no pictures.</param>
internal sealed record Arrival(TimeSpan At, int Pictures, int Poison = 0, int Undecodable = 0);

/// <summary>Something that happens to the cloud.</summary>
internal sealed record Incident(TimeSpan At, Action<SimulatedService> Happen);
