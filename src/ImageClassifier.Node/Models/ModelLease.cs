using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Node.Models;

/// <summary>The hold of one job on its model. The model stays loaded until the job returns the lease by
/// disposal.</summary>
/// <param name="model">The model.</param>
/// <param name="returned">Called once, when the lease is returned.</param>
/// <param name="abandoned">Cancelled when no step will go on with waiting jobs.</param>
internal sealed class ModelLease(LoadedModel model, Action? returned = null, CancellationToken abandoned = default)
    : IDisposable
{
    private Action? _returned = returned;
    private CancellationTokenRegistration _parked;
    private Action<string>? _replace;

    /// <summary>The identity of the model.</summary>
    public ModelIdentity Identity => model.Classifier.Model;

    /// <summary>The model in this process.</summary>
    public IImageClassifier Classifier => model.Classifier;

    /// <summary>The same model in a child process.</summary>
    public IIsolatedClassifier Isolated => model.Isolated;

    /// <summary>The job now waits for its next step, and does not use the model. If the stream has ended or ends
    /// meanwhile, that step never comes, and the lease is returned.</summary>
    public ModelLease Park()
    {
        _parked = abandoned.Register(Dispose);
        return this;
    }

    /// <summary>The next step of the job has begun. The lease stays until its disposal.</summary>
    public ModelLease Resume()
    {
        _parked.Unregister();
        return this;
    }

    /// <summary>The model is not the node's own, and the job can do without it.</summary>
    /// <param name="replace">Called with the reason when the model fails. From then on the node must use its own model
    /// instead.</param>
    public ModelLease ReplacedBy(Action<string> replace)
    {
        _replace = replace;
        return this;
    }

    /// <summary>The model failed in a run. True if the next try of the job has another model. Then the failure proves
    /// nothing about the picture or the node.</summary>
    public bool TryReplace(string reason)
    {
        _replace?.Invoke(reason);
        return _replace is not null;
    }

    /// <summary>Returns the lease. May be called more than once.</summary>
    public void Dispose() => Interlocked.Exchange(ref _returned, null)?.Invoke();
}
