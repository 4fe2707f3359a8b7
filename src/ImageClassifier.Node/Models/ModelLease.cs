using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Models;

/// <summary>The hold of one job on its model. The model stays loaded until the job returns the lease by
/// disposal.</summary>
/// <param name="model">The model.</param>
/// <param name="returned">Called once, when the lease is returned.</param>
internal sealed class ModelLease(LoadedModel model, Action? returned = null) : IDisposable
{
    private Action? _returned = returned;

    /// <summary>The identity of the model.</summary>
    public ModelIdentity Identity => model.Classifier.Model;

    /// <summary>The model in this process.</summary>
    public IImageClassifier Classifier => model.Classifier;

    /// <summary>The same model in a child process.</summary>
    public IIsolatedClassifier Isolated => model.Isolated;

    /// <summary>Returns the lease. May be called more than once.</summary>
    public void Dispose() => Interlocked.Exchange(ref _returned, null)?.Invoke();
}
