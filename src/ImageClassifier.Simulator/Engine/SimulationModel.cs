using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Streams;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Simulator.Engine;

/// <summary>A deployment as it is simulated: the settings of both tiers, and what the settings cannot know of the
/// machines and the cloud.</summary>
public sealed record SimulationModel
{
    /// <summary>How the fleet grows.</summary>
    public required ScalingSettings Scaling { get; init; }

    /// <summary>How a node polls the request queue.</summary>
    public required QueueSourceSettings Polling { get; init; }

    /// <summary>How long results wait for others to share their calls.</summary>
    public required TimeSpan Linger { get; init; }

    /// <summary>How long deletes wait for others to share their call.</summary>
    public required TimeSpan AcknowledgeLinger { get; init; }

    /// <summary>When a node ends itself.</summary>
    public required TerminationSettings Termination { get; init; }

    /// <summary>Whether a poll under way ends when its node wants to end; on SQS it goes on to its end.</summary>
    public bool BreaksOffPolls { get; init; } = true;

    /// <summary>How often a node writes its record.</summary>
    public TimeSpan RecordInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>From a launch to the node's first poll.</summary>
    public required DrawnTime Boot { get; init; }

    /// <summary>How long a node takes for one picture.</summary>
    public required DrawnTime Service { get; init; }

    /// <summary>From a result's sending to whoever waits for it.</summary>
    public TimeSpan ResultDelay { get; init; }

    /// <summary>How long the scaler takes to measure the queue and the fleet; what is uploaded meanwhile it sees at the
    /// next look.</summary>
    public TimeSpan LookTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long the fleet takes to answer a launch.</summary>
    public TimeSpan LaunchTime { get; init; }

    /// <summary>By how much the queue's counts are behind. What the settings expect of them is
    /// <see cref="ScalingSettings.CountsLag"/>.</summary>
    public TimeSpan CountsLag { get; init; }

    /// <summary>What an instance costs.</summary>
    public InstancePrice Price { get; init; } = new();

    /// <summary>What goes wrong.</summary>
    public Faults Faults { get; init; } = Faults.None;

    /// <summary>Reads what the settings say, where they are the same for both tiers.</summary>
    /// <param name="settings">The settings.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong.</exception>
    public static SimulationModel Create(Config settings) => Create(settings, settings);

    /// <summary>Reads what the settings say; boot and service time are those that the latency policy assumes.</summary>
    /// <param name="webTier">The web tier's settings.</param>
    /// <param name="nodes">The nodes' settings.</param>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong.</exception>
    public static SimulationModel Create(Config webTier, Config nodes)
    {
        var scaling = ScalingSettings.Create(webTier);
        // How many threads the model may have depends on the machine, and this one is another.
        var node = NodeSettings.Create(nodes, cores: null);
        return new SimulationModel
        {
            Scaling = scaling,
            Polling = node.Polling.Source,
            Linger = node.Polling.Linger,
            AcknowledgeLinger = node.Polling.AcknowledgeLinger,
            Termination = node.Termination,
            BreaksOffPolls = nodes.GetString("image-classifier.environment") != "aws",
            RecordInterval = node.RecordInterval,
            Boot = DrawnTime.Fixed(scaling.Latency.BootTime),
            Service = DrawnTime.Fixed(scaling.Latency.ServiceTime),
        };
    }
}

/// <summary>What an instance costs.</summary>
public sealed record InstancePrice
{
    /// <summary>For an hour, in dollars: c7i.large on demand with Linux, us-east-1, rounded.</summary>
    public double PerHour { get; init; } = 0.0893;

    /// <summary>An instance that lives shorter costs as much as this; EC2 bills Linux instances by the second, and at
    /// least a minute.</summary>
    public TimeSpan MinimumCharge { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What is billed for a life, in ticks.</summary>
    internal long Billed(long lived) => Math.Max(lived, MinimumCharge.Ticks);
}

/// <summary>What goes wrong.</summary>
/// <param name="LaunchFailure">The probability that a launch fails as a whole.</param>
/// <param name="Capacity">How many instances the cloud has at most.</param>
/// <param name="CrashesPerHour">How often an instance dies without a word, on average an hour of its life; also while
/// it boots.</param>
public sealed record Faults(double LaunchFailure, int Capacity, double CrashesPerHour)
{
    /// <summary>Nothing.</summary>
    public static Faults None { get; } = new(0, int.MaxValue, 0);
}
