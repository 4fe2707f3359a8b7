using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;

namespace ImageClassifier.Core.Ports;

/// <summary>Loads models of the registry, and models that are installed on this machine. Safe to call from several threads.</summary>
public interface IModelSource
{
    /// <summary>Fetches a model, checks its files, loads it and tries its samples. The caller disposes of it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="isProven">True if a node has loaded it before. Any other model is first tried in a child process,
    /// because its load may end the process.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="UnusableModelException">The model in the registry is at fault.</exception>
    /// <exception cref="ModelNotLoadedException">This machine is at fault.</exception>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    /// <exception cref="OutOfMemoryException">Memory is short. A later call may succeed.</exception>
    Task<LoadedModel> LoadAsync(ModelReference model, bool isProven, CancellationToken cancellation);

    /// <summary>Loads a model that is installed on this machine. The caller disposes of it.</summary>
    /// <returns>Null if it is not installed, or has changed.</returns>
    /// <exception cref="InvalidSettingException">It cannot be loaded.</exception>
    /// <exception cref="UnusableModelException">It ends the process that loads it.</exception>
    /// <exception cref="ModelNotLoadedException">It cannot be tried.</exception>
    /// <exception cref="OutOfMemoryException">Memory is short. A later call may succeed.</exception>
    Task<LoadedModel?> LoadInstalledAsync(ModelIdentity model, CancellationToken cancellation);
}

/// <summary>A model that is ready to classify.</summary>
/// <param name="Classifier">The model in this process.</param>
/// <param name="Isolated">The same model in a child process, for pictures that may kill the node.</param>
/// <param name="Files">Keeps the model's files, which child processes read; null if nothing deletes them.</param>
public sealed record LoadedModel(
    IImageClassifier Classifier, IIsolatedClassifier Isolated, IDisposable? Files = null) : IDisposable
{
    /// <inheritdoc />
    public void Dispose()
    {
        Isolated.Dispose();
        Classifier.Dispose();
        Files?.Dispose();
    }
}

/// <summary>A model in the registry is at fault, so no node can use it.</summary>
/// <param name="reason">What is wrong, as a clause.</param>
/// <param name="inner">The cause.</param>
public sealed class UnusableModelException(string reason, Exception? inner = null) : Exception(reason, inner);

/// <summary>The model is not at fault: this machine cannot load it.</summary>
/// <param name="message">The model and the reason, for the operator.</param>
/// <param name="inner">The cause.</param>
public sealed class ModelNotLoadedException(string message, Exception? inner = null) : Exception(message, inner);
