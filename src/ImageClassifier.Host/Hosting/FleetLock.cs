using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Host.Hosting;

/// <summary>The lock of the data folder. If several web nodes share the folder, only the node with the scaler holds it.
/// A single web node takes it at its start, so the two forms exclude each other.</summary>
internal sealed class FleetLock(EmbeddedLayout layout) : IScalerLock
{
    /// <inheritdoc />
    public IDisposable? TryTake() => ExclusiveFileLock.TryTake(layout.WebLock);
}
