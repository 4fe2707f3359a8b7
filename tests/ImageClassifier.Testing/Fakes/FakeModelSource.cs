using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;

namespace ImageClassifier.Testing.Fakes;

/// <summary>A registry and a machine whose models are fakes. Tests count the loads, delay them and make them fail.</summary>
public sealed class FakeModelSource : IModelSource
{
    private readonly Lock _lock = new();
    private readonly List<FakeModel> _loads = [];
    private readonly List<ModelReference> _proven = [];

    /// <summary>Awaited at the start of each load. It may delay the load or fail it.</summary>
    public Func<ModelReference, Task>? Before { get; set; }

    /// <summary>Called with each loaded model, before anyone uses it.</summary>
    public Action<FakeModel>? Loaded { get; set; }

    /// <summary>The most pictures in a run of a model.</summary>
    public Func<ModelReference, int> BatchSizeOf { get; set; } = _ => 4;

    /// <summary>The models that are installed on the machine.</summary>
    public IReadOnlyCollection<ModelIdentity> Installed { get; set; } = [];

    /// <summary>The models that were loaded, in order, including those that were unloaded.</summary>
    public IReadOnlyList<FakeModel> Loads
    {
        get
        {
            lock (_lock) return _loads.ToArray();
        }
    }

    /// <summary>The most models that were loaded at once.</summary>
    public int MostLoaded { get; private set; }

    /// <summary>A reference to a model of that name.</summary>
    public static ModelReference Reference(string name) => new(name, new string('a', ModelReference.Digits));

    /// <summary>The identity of a loaded model.</summary>
    public static ModelIdentity IdentityOf(ModelReference model) => new(model.Name, model.Sha256, 2);

    /// <summary>The latest load of a model.</summary>
    public FakeModel Of(ModelReference model) => Loads.Last(load => load.Reference == model);

    /// <summary>The models that were loaded as proven.</summary>
    public IReadOnlyList<ModelReference> Proven
    {
        get
        {
            lock (_lock) return _proven.ToArray();
        }
    }

    public async Task<LoadedModel> LoadAsync(ModelReference model, bool isProven, CancellationToken cancellation)
    {
        if (isProven)
            lock (_lock) _proven.Add(model);
        return await LoadAsync(model, IdentityOf(model), cancellation);
    }

    public async Task<LoadedModel?> LoadInstalledAsync(ModelIdentity model, CancellationToken cancellation) =>
        Installed.Contains(model)
            ? await LoadAsync(new ModelReference(model.Name, model.Sha256), model, cancellation)
            : null;

    private async Task<LoadedModel> LoadAsync(
        ModelReference model, ModelIdentity identity, CancellationToken cancellation)
    {
        if (Before is not null) await Before(model).WaitAsync(cancellation);
        var loaded = new FakeModel(
            model,
            new FakeImageClassifier(BatchSizeOf(model)) { Model = identity },
            new FakeIsolatedClassifier());
        Loaded?.Invoke(loaded);
        lock (_lock)
        {
            _loads.Add(loaded);
            MostLoaded = Math.Max(MostLoaded, _loads.Count(load => !load.Classifier.IsDisposed));
        }

        return new LoadedModel(loaded.Classifier, loaded.Isolated);
    }
}

/// <summary>A model that was loaded from a <see cref="FakeModelSource"/>.</summary>
public sealed record FakeModel(
    ModelReference Reference, FakeImageClassifier Classifier, FakeIsolatedClassifier Isolated);
