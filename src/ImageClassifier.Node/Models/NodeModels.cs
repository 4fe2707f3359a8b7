using System.Collections.Concurrent;
using Akka.Event;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Node.Models;

/// <summary>
/// The models with which a node classifies: the model of its setting, which is always loaded, and models of the
/// registry, which are loaded when a job needs them. Before a model of the registry gives a result, its verdict is in
/// the store. So all nodes use it, or none does. A batch without a model of the registry keeps the model with which it
/// began, if this node can get it. Safe from any thread.
/// </summary>
internal sealed class NodeModels : IDisposable
{
    /// <summary>The most loaded models of the registry: the active model, and a canary or the model before.</summary>
    public const int MostLoaded = 2;

    // A model that ends its nodes before they can give it up must not end the batches that began with it.
    private const int MostReceivesWithBegun = 3;

    private readonly LoadedModel _own;
    private readonly IModelSource _source;
    private readonly IObjectStore _store;
    private readonly InstanceId _instance;
    private readonly TimeProvider _time;
    private readonly ILoggingAdapter _log;
    private readonly ModelPlaces _places;
    private readonly BatchModels _batches;
    private readonly CancellationTokenSource _stopped = new();

    // The models of batches that this node cannot get or that failed here, by their SHA-256. A batch must not get them again
    // later.
    private readonly ConcurrentDictionary<string, bool> _givenUp = new();

    // A refused model is looked up for each of its jobs, and logged once for each reason.
    private readonly Dictionary<ModelReference, string?> _loggedRefusals = [];

    /// <summary>Loads nothing yet.</summary>
    /// <param name="own">The model of the node's setting. It is not disposed of.</param>
    /// <param name="source">Loads models of the registry.</param>
    /// <param name="store">The store of the verdicts.</param>
    /// <param name="instance">The instance of the node.</param>
    /// <param name="onChanged">Called with the loaded models of the registry after each change. Must not block or
    /// throw.</param>
    /// <param name="time">Measures the loads.</param>
    /// <param name="log">Receives a line for each decision.</param>
    public NodeModels(
        LoadedModel own,
        IModelSource source,
        IObjectStore store,
        InstanceId instance,
        Action<IReadOnlyList<ModelIdentity>> onChanged,
        TimeProvider time,
        ILoggingAdapter log)
    {
        (_own, _source, _store, _instance, _time, _log) = (own, source, store, instance, time, log);
        _places = new ModelPlaces(MostLoaded, onChanged, log);
        _batches = new BatchModels(own.Classifier.Model, store, log, _stopped.Token);
    }

    /// <summary>Leases the model of a job, and loads it if necessary. The caller returns the lease.</summary>
    /// <param name="request">The job.</param>
    /// <param name="receives">How often its message was received.</param>
    /// <param name="giveUp">Ends the wait for a model that is not loaded.</param>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    /// <exception cref="OutOfMemoryException">Memory is short. A later call may succeed.</exception>
    /// <exception cref="ModelNotLoadedException">This node cannot load the model, although others can.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended, or the node stops.</exception>
    public async Task<ModelLease> LeaseAsync(ClassificationRequest request, int receives, CancellationToken giveUp)
    {
        ModelReference?[] choices = request.Model is null ? [] : [request.Model, request.Fallback];
        foreach (var model in choices.OfType<ModelReference>())
            if (await TryLeaseAsync(model, giveUp) is { } lease) return lease;
        if (receives > MostReceivesWithBegun && request.SharesBatch)
        {
            // The batch's model is not even read: perhaps that is what failed.
            _log.Warning(
                "Job {0} was received {1} times, so it gets model {2} even if its batch began with another",
                request.Job, receives, _own.Classifier.Model.Name);
            return new ModelLease(_own);
        }

        var begun = await _batches.FindAsync(request).WaitAsync(giveUp);
        if (begun.Sha256 == _own.Classifier.Model.Sha256) return new ModelLease(_own);
        return await TryLeaseAsync(begun, giveUp) ?? new ModelLease(_own);
    }

    /// <summary>Ends loads, and unloads the models of the registry when no step of a job uses them. The stream must have
    /// ended.</summary>
    public void Dispose()
    {
        _stopped.Cancel();
        _places.Dispose();
    }

    /// <summary>Leases a model of the registry; null if it is refused.</summary>
    private async Task<ModelLease?> TryLeaseAsync(ModelReference model, CancellationToken giveUp)
    {
        ModelVerdict? verdict = null;
        if (!_places.Has(model))
        {
            // Read for each job, and not remembered: after a new push the model gets a new verdict.
            verdict = await FindVerdictAsync(model, giveUp);
            if (verdict is { IsUsable: false })
            {
                LogRefusal(model, verdict);
                return null;
            }
        }

        return await _places.LeaseAsync(model, () => LoadAsync(model, verdict), giveUp);
    }

    /// <summary>Leases the model with which a batch began; null if this node cannot get it.</summary>
    private async Task<ModelLease?> TryLeaseAsync(ModelIdentity begun, CancellationToken giveUp)
    {
        if (_givenUp.ContainsKey(begun.Sha256)) return null;
        string why;
        try
        {
            var lease = await _batches.FindPushedAsync(begun).WaitAsync(giveUp) is { } pushed
                ? await TryLeaseAsync(pushed, giveUp)
                : await _places.LeaseAsync(
                    new ModelReference(begun.Name, begun.Sha256),
                    () => _source.LoadInstalledAsync(begun, _stopped.Token),
                    giveUp);
            if (lease is not null) return lease.ReplacedBy(reason => GiveUp(begun, reason));
            why = "neither the registry nor this machine has it in a form that can be used.";
        }
        catch (OutOfMemoryException)
        {
            // The shortage may pass, so the next job tries again.
            LogTwoModels(begun, "memory is short.");
            return null;
        }
        catch (Exception failure) when (failure is not (IOException or OperationCanceledException))
        {
            // The pictures get the model of the setting rather than none.
            why = failure.Message;
        }

        GiveUp(begun, why);
        return null;
    }

    private void GiveUp(ModelIdentity begun, string why)
    {
        if (_givenUp.TryAdd(begun.Sha256, true)) LogTwoModels(begun, why);
    }

    private void LogTwoModels(ModelIdentity begun, string why) => _log.Warning(
        "Batches that began with model {0} ({1}) go on with model {2}, so they can get results of two models: {3}",
        begun.Name, begun.Sha256, _own.Classifier.Model.Name, why);

    /// <summary>Loads a model of the registry; null if it is refused.</summary>
    private async Task<LoadedModel?> LoadAsync(ModelReference model, ModelVerdict? known)
    {
        var started = _time.GetTimestamp();
        LoadedModel loaded;
        try
        {
            loaded = await _source.LoadAsync(model, isProven: known is not null, _stopped.Token);
        }
        catch (UnusableModelException defect)
        {
            await RefuseAsync(model, defect);
            return null;
        }

        try
        {
            var verdict = known ?? await DecideAsync(model, new ModelVerdict(IsUsable: true, null, _instance));
            if (verdict.IsUsable)
            {
                var took = (long)_time.GetElapsedTime(started).TotalMilliseconds;
                _log.Info("Model {0} of the registry is loaded after {1} ms", model, took);
                return loaded;
            }

            LogRefusal(model, verdict);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }

        loaded.Dispose();
        return null;
    }

    private async Task RefuseAsync(ModelReference model, UnusableModelException defect)
    {
        var verdict = await DecideAsync(model, new ModelVerdict(IsUsable: false, defect.Message, _instance));
        if (verdict.IsUsable)
        {
            throw new ModelNotLoadedException(
                $"The model {model} could be used before, and this node cannot load it: {defect.Message}. If a file in the "
                + "store is damaged, push the model again.", defect);
        }

        LogRefusal(model, verdict);
    }

    /// <summary>Stores a verdict, unless there is one.</summary>
    /// <returns>The verdict that holds.</returns>
    private async Task<ModelVerdict> DecideAsync(ModelReference model, ModelVerdict verdict)
    {
        var isOurs = await _store.PutIfAbsentAsync(
            RegistryKeys.Verdict(model), WireJson.WriteUtf8(verdict), _stopped.Token);
        if (isOurs) return verdict;
        return await FindVerdictAsync(model, _stopped.Token)
            ?? throw new IOException($"The verdict of model {model} was deleted a moment ago.");
    }

    private async Task<ModelVerdict?> FindVerdictAsync(ModelReference model, CancellationToken cancellation) =>
        await _store.ReadDocumentAsync<ModelVerdict>(RegistryKeys.Verdict(model), cancellation) switch
        {
            DocumentRead<ModelVerdict>.Found found => found.Document,
            // Every node that reads it refuses the model. A new verdict could differ from the damaged one.
            DocumentRead<ModelVerdict>.Damaged damaged =>
                new ModelVerdict(IsUsable: false, $"its verdict in the store is damaged ({damaged.Why})", _instance),
            _ => null,
        };

    private void LogRefusal(ModelReference model, ModelVerdict verdict)
    {
        lock (_loggedRefusals)
        {
            if (_loggedRefusals.TryGetValue(model, out var logged) && logged == verdict.Reason) return;
            _loggedRefusals[model] = verdict.Reason;
        }

        _log.Warning(
            "Model {0} of the registry is not used by any node. Instance {1} refused it: {2}",
            model, verdict.Instance, verdict.Reason);
    }
}
