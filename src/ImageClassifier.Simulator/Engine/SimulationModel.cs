using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Streams;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>A simulated deployment: the settings of both tiers, and the properties of the machines and the
/// cloud.</summary>
public sealed record SimulationModel
{
    /// <summary>The settings of the scaler.</summary>
    public required ScalingSettings Scaling { get; init; }

    /// <summary>How a node polls the request queue.</summary>
    public required QueueSourceSettings Polling { get; init; }

    /// <summary>How long a result waits for others, to share a call.</summary>
    public required TimeSpan Linger { get; init; }

    /// <summary>How long a delete waits for others, to share a call.</summary>
    public required TimeSpan AcknowledgeLinger { get; init; }

    /// <summary>When a node ends itself.</summary>
    public required TerminationSettings Termination { get; init; }

    /// <summary>True if a poll under way is aborted when its node ends. On SQS it runs to its end.</summary>
    public bool AbortsPolls { get; init; } = true;

    /// <summary>The interval at which a node writes its heartbeat record.</summary>
    public TimeSpan RecordInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From a launch to the node's first poll.</summary>
    public required DrawnTime Boot { get; init; }

    /// <summary>The time of a node for one picture.</summary>
    public required DrawnTime Service { get; init; }

    /// <summary>From the send of a result to its receiver.</summary>
    public TimeSpan ResultDelay { get; init; }

    /// <summary>How long the scaler takes to measure the queue and the fleet. It sees uploads during that time at the
    /// next observation.</summary>
    public TimeSpan ObservationTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long the fleet takes to answer a launch.</summary>
    public TimeSpan LaunchTime { get; init; }

    /// <summary>The lag of the queue's counts. The lag that the settings expect is
    /// <see cref="ScalingSettings.CountsLag"/>.</summary>
    public TimeSpan CountsLag { get; init; }

    /// <summary>The price of an instance.</summary>
    public InstancePrice Price { get; init; } = new();

    /// <summary>The simulated faults.</summary>
    public Faults Faults { get; init; } = Faults.None;

    /// <summary>Creates the model from settings. Boot and service time are those that the latency policy
    /// assumes.</summary>
    /// <param name="settings">The settings of both tiers.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong.</exception>
    public static SimulationModel Create(Config settings)
    {
        var scaling = ScalingSettings.Create(settings);
        // The nodes' machine is another than this one, so its number of cores is unknown.
        var node = NodeSettings.Create(settings, cores: null);
        return new SimulationModel
        {
            Scaling = scaling,
            Polling = node.Polling.Source,
            Linger = node.Polling.Linger,
            AcknowledgeLinger = node.Polling.AcknowledgeLinger,
            Termination = node.Termination,
            AbortsPolls = !EnvironmentSettings.Create(settings).IsAws,
            RecordInterval = node.Records.Interval,
            Boot = DrawnTime.Fixed(scaling.Latency.BootTime),
            Service = DrawnTime.Fixed(scaling.Latency.ServiceTime),
        };
    }
}

/// <summary>The price of an instance.</summary>
public sealed record InstancePrice
{
    /// <summary>Dollars for an hour: c7i.large on demand with Linux, us-east-1, rounded.</summary>
    public double PerHour { get; init; } = 0.0893;

    /// <summary>The least billed time of an instance. EC2 bills Linux instances by the second, and at least a
    /// minute.</summary>
    public TimeSpan MinimumCharge { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The billed time of a lifetime, in ticks.</summary>
    internal long Billed(long lived) => Math.Max(lived, MinimumCharge.Ticks);
}

/// <summary>The simulated faults.</summary>
/// <param name="LaunchFailure">The probability that a launch fails as a whole.</param>
/// <param name="Capacity">The most instances that the cloud has.</param>
/// <param name="CrashesPerHour">The mean number of crashes in an hour of an instance's life, including its
/// boot.</param>
public sealed record Faults(double LaunchFailure, int Capacity, double CrashesPerHour)
{
    /// <summary>No faults.</summary>
    public static Faults None { get; } = new(0, int.MaxValue, 0);
}
