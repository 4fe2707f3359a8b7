using Akka.Configuration;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Simulations.Cloud;

namespace ImageClassifier.Simulations;

/// <summary>What is simulated. Times count from the beginning, when the web tier has run for a while.</summary>
internal sealed record Scenario
{
    /// <summary>The uploads.</summary>
    public required IReadOnlyList<Arrival> Arrivals { get; init; }

    /// <summary>The simulated cloud.</summary>
    public CloudSettings Cloud { get; init; } = new();

    /// <summary>Settings that differ from those for AWS: <c>key=value</c> below <c>image-classifier</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Further events.</summary>
    public IReadOnlyList<Incident> Incidents { get; init; } = [];

    /// <summary>Whether the latency policy starts with the true service time, as if it had been measured.</summary>
    public bool KnowsServiceTime { get; init; } = true;

    /// <summary>How long after the first upload the first launch must come.</summary>
    public TimeSpan FirstLaunchWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long after the last upload a launch is allowed without a failure. A launch call takes a while, and
    /// pictures that arrive meanwhile need a second one.</summary>
    public TimeSpan LaunchesWithin { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Whether the scenario contains no failure.</summary>
    public bool HasNoFaults => Incidents.Count == 0 && Cloud.HasNoFaults
        && Arrivals.All(arrival => arrival.Poison == 0);

    /// <summary>When the last upload arrives.</summary>
    public TimeSpan LastArrival => Arrivals.Max(arrival => arrival.At);

    /// <summary>The settings for AWS with this scenario's changes.</summary>
    public Config Load()
    {
        var assumed = FormattableString.Invariant(
            $"scaling.latency.service-time={Cloud.ServiceTime.TotalMilliseconds}ms");
        string[] settings =
        [
            "environment=aws", .. KnowsServiceTime ? [assumed] : Array.Empty<string>(), .. Settings,
        ];
        return ProgramSettings.Load(
            new SettingsSources { Assignments = [.. settings.Select(setting => $"image-classifier.{setting}")] });
    }
}

/// <summary>Pictures that are uploaded together.</summary>
/// <param name="At">When.</param>
/// <param name="Pictures">How many.</param>
/// <param name="Poison">How many of them, in the middle, kill the node that decodes them.</param>
/// <param name="Undecodable">How many of them, at the end, are not pictures.</param>
internal sealed record Arrival(TimeSpan At, int Pictures, int Poison = 0, int Undecodable = 0);

/// <summary>An event in the cloud.</summary>
internal sealed record Incident(TimeSpan At, Action<SimulatedService> Run);
