using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Files;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Host.Hosting;

/// <summary>The lock of the data folder, which only the web tier's scaler holds when several web nodes share the
/// folder. A web tier of one node takes it at its start, so the two exclude each other.</summary>
internal sealed class FleetLock(EmbeddedLayout layout) : IScalerLock
{
    /// <inheritdoc />
    public IDisposable? TryTake() => ExclusiveFileLock.TryTake(layout.WebLock);
}
