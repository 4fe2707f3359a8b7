using Akka.Event;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;

namespace ImageClassifier.Node.Models;

/// <summary>
/// The places in a node's memory for models of the registry. Jobs lease a model; those that want the same model share
/// its load. If all places are taken, a model without leases is unloaded, the longest unused first. If all models are
/// leased, the job waits. If a job waits for a place, the model that was leased longest ago gets no new leases and is
/// unloaded. Safe from any thread.
/// </summary>
/// <param name="most">The number of places.</param>
/// <param name="onChanged">Called with the loaded models after each change. Must not block or throw.</param>
/// <param name="log">Receives a line for each unloaded model.</param>
internal sealed class ModelPlaces(int most, Action<IReadOnlyList<ModelIdentity>> onChanged, ILoggingAdapter log)
    : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ModelReference, Place> _places = [];
    private readonly LinkedList<Applicant> _waiting = new();
    private readonly CancellationTokenSource _abandoned = new();
    private long _leases;
    private bool _isDisposed;

    /// <summary>True if the model has a place: it is loaded or being loaded.</summary>
    public bool Has(ModelReference model)
    {
        lock (_lock) return _places.ContainsKey(model);
    }

    /// <summary>Leases a model when it is loaded. A failure of the load is the failure of all that wait for it; the next
    /// call loads again.</summary>
    /// <param name="model">The model.</param>
    /// <param name="load">Loads the model if no other job does; null if it must not be used.</param>
    /// <param name="giveUp">Ends the wait for a model that is not loaded.</param>
    /// <returns>Null if the load returned null.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended, or the places were disposed of.</exception>
    public async Task<ModelLease?> LeaseAsync(
        ModelReference model, Func<Task<LoadedModel?>> load, CancellationToken giveUp)
    {
        var place = await EnterAsync(new Applicant(model, load), giveUp);
        try
        {
            if (await place.Loading.WaitAsync(giveUp) is { } loaded)
                return new ModelLease(loaded, () => Leave(place), _abandoned.Token);
        }
        catch
        {
            Leave(place);
            throw;
        }

        Leave(place);
        return null;
    }

    /// <summary>Returns the leases of jobs that wait for their next step. Unloads the models without leases now, and the
    /// others when their last lease is returned.</summary>
    public void Dispose()
    {
        LoadedModel[] unused;
        lock (_lock)
        {
            _isDisposed = true;
            foreach (var applicant in _waiting) applicant.Turn.SetCanceled();
            _waiting.Clear();
            unused = [.. _places.Values.Where(place => place.IsUnused).ToArray().Select(Remove)];
            onChanged([]);
        }

        foreach (var model in unused) model.Dispose();
        _abandoned.Cancel();
    }

    private async Task<Place> EnterAsync(Applicant applicant, CancellationToken giveUp)
    {
        lock (_lock)
        {
            if (_isDisposed) throw new OperationCanceledException("The node stops.");
            _waiting.AddLast(applicant);
            Admit();
        }

        try
        {
            return await applicant.Turn.Task.WaitAsync(giveUp);
        }
        catch (OperationCanceledException)
        {
            GiveUp(applicant);
            throw;
        }
    }

    private void GiveUp(Applicant applicant)
    {
        lock (_lock)
        {
            // No model has to leave for this job any more.
            if (_waiting.Remove(applicant)) Admit();
        }

        if (applicant.Turn.Task.IsCompletedSuccessfully) Leave(applicant.Turn.Task.Result);
    }

    private void Leave(Place place)
    {
        LoadedModel? unused = null;
        lock (_lock)
        {
            place.Leases--;
            if (_isDisposed && place.IsUnused) unused = Remove(place);
            else Admit();
        }

        unused?.Dispose();
    }

    /// <summary>Admits all jobs that can have their place, first come, first served.</summary>
    private void Admit()
    {
        Place? leaving = null;
        for (var node = _waiting.First; node is not null;)
        {
            var (applicant, next) = (node.Value, node.Next);
            if (PlaceFor(applicant, ref leaving) is { } place)
            {
                place.Leases++;
                place.LastLease = ++_leases;
                _waiting.Remove(node);
                applicant.Turn.SetResult(place);
            }

            node = next;
        }
    }

    /// <summary>The place for a job; null if it has to wait.</summary>
    private Place? PlaceFor(Applicant applicant, ref Place? leaving)
    {
        if (_places.TryGetValue(applicant.Model, out var present)) return present == leaving ? null : present;
        if (_places.Count < most) return Begin(applicant, null);
        if (_places.Values.Where(place => place.IsUnused).MinBy(place => place.LastLease) is { } unused)
        {
            log.Info("Model {0} was unloaded to make room for model {1}", unused.Model, applicant.Model);
            return Begin(applicant, Remove(unused));
        }

        leaving ??= _places.Values.MinBy(place => place.LastLease);
        return null;
    }

    private Place Begin(Applicant applicant, LoadedModel? unloaded)
    {
        var place = new Place(applicant.Model);
        _places.Add(place.Model, place);
        place.Loading = Task.Run(() => LoadAsync(place, applicant.Load, unloaded));
        return place;
    }

    private async Task<LoadedModel?> LoadAsync(Place place, Func<Task<LoadedModel?>> load, LoadedModel? unloaded)
    {
        LoadedModel? loaded = null;
        try
        {
            // Before the load: the memory may not suffice for both.
            unloaded?.Dispose();
            loaded = await load();
            return loaded;
        }
        finally
        {
            LoadedModel? unused = null;
            lock (_lock)
            {
                place.Loaded = loaded;
                if (loaded is null) _places.Remove(place.Model);
                if (_isDisposed && place.IsUnused) unused = Remove(place);
                ReportLoaded();
                if (!_isDisposed) Admit();
            }

            unused?.Dispose();
        }
    }

    private LoadedModel Remove(Place place)
    {
        _places.Remove(place.Model);
        ReportLoaded();
        return place.Loaded!;
    }

    private void ReportLoaded()
    {
        // The places of a later stream may have reported theirs.
        if (_isDisposed) return;
        onChanged([.. _places.Values.Select(place => place.Loaded?.Classifier.Model).OfType<ModelIdentity>()]);
    }

    private sealed record Applicant(ModelReference Model, Func<Task<LoadedModel?>> Load)
    {
        public TaskCompletionSource<Place> Turn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class Place(ModelReference model)
    {
        public ModelReference Model => model;

        public Task<LoadedModel?> Loading { get; set; } = Task.FromResult<LoadedModel?>(null);

        /// <summary>The model; null while it is being loaded.</summary>
        public LoadedModel? Loaded { get; set; }

        /// <summary>The number of jobs that have the model or wait for its load.</summary>
        public int Leases { get; set; }

        /// <summary>Counts up over all leases of all models.</summary>
        public long LastLease { get; set; }

        public bool IsUnused => Leases == 0 && Loaded is not null;
    }
}
