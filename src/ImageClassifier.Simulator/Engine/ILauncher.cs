using ImageClassifier.Core;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Decides when instances are launched.</summary>
internal interface ILauncher
{
    /// <summary>The number of instances that it wanted last.</summary>
    int Wanted { get; }

    /// <summary>True if a launch is under way.</summary>
    bool IsLaunching { get; }

    /// <summary>The decisions that the log would show, in order. If there are very many, the first ones.</summary>
    IReadOnlyList<DecisionRecord> Decisions { get; }

    /// <summary>The simulation starts.</summary>
    void Start();

    /// <summary>Pictures were added to the queue.</summary>
    void WorkSent(int jobs);

    /// <summary>A result reached the web tier.</summary>
    void JobDone(InstanceId instance);

    /// <summary>An event of the launcher is due.</summary>
    void Handle(Event next);
}
