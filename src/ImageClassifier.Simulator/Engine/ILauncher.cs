using ImageClassifier.Core;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Simulator.Engine;

/// <summary>Decides when instances are launched.</summary>
internal interface ILauncher
{
    /// <summary>How many instances were last wanted.</summary>
    int Wanted { get; }

    /// <summary>Whether more is launched, whatever happens.</summary>
    bool IsLaunching { get; }

    /// <summary>What the log would show, in its order; of very much the first.</summary>
    IReadOnlyList<DecisionRecord> Decisions { get; }

    /// <summary>The clock begins.</summary>
    void Start();

    /// <summary>Pictures came into the queue.</summary>
    void WorkSent(int jobs);

    /// <summary>A result came back.</summary>
    void JobDone(InstanceId instance);

    /// <summary>An event of the launcher's own is due.</summary>
    void Handle(Event next);
}
