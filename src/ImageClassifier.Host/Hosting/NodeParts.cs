using Akka.Actor;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Streams;

namespace ImageClassifier.Host.Hosting;

/// <summary>The replaceable parts of a node and its child process.</summary>
/// <param name="LoadClassifier">Loads a classifier. It asks for the arrangement of the model, to use it instead of the
/// settings; no function and null mean the settings.</param>
/// <param name="LoadInBackground">Loads the classifier of a child process, which can decode while its model
/// loads.</param>
/// <param name="CreateClock">Creates the clock of a node's actor system.</param>
internal sealed record NodeParts(
    Func<OnnxSettings, Func<ModelIdentity, RunArrangement?>?, IImageClassifier> LoadClassifier,
    Func<OnnxSettings, IImageClassifier> LoadInBackground,
    Func<ActorSystem, TimeProvider> CreateClock)
{
    /// <summary>True if a further model may not fit into the memory of the machine. The system would then end the
    /// node.</summary>
    public Func<bool> IsMemoryShort { get; init; } = () => false;

    /// <summary>The parts of the real program.</summary>
    public static NodeParts Create() => new(
        (settings, arrangementOf) => OnnxImageClassifier.Load(settings.ToAdapter(), arrangementOf),
        settings => OnnxImageClassifier.LoadInBackground(settings.ToAdapter()),
        system => new SchedulerTimeProvider(system))
    {
        IsMemoryShort = () =>
        {
            // The runtime knows the load of the machine since its last collection.
            GC.Collect();
            var memory = GC.GetGCMemoryInfo();
            // A further model takes no more than this process with its first one.
            return memory.MemoryLoadBytes + Environment.WorkingSet > memory.HighMemoryLoadThresholdBytes;
        },
    };
}
