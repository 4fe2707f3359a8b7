using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Models;
using ImageClassifier.Node.Tuning;

namespace ImageClassifier.Host.Hosting;

/// <summary>The model of a node, loaded in the best known arrangement for this machine. A machine on EC2 starts once, so it
/// measures before its first poll. A child process must give its first result soon, so it measures when it is idle, for
/// the nodes that start later.</summary>
internal sealed class ArrangedModel : IDisposable
{
    private readonly NodeParts _parts;
    private readonly KeptArrangements _kept;
    private readonly ArrangementSettings _allowed;
    private readonly ILogger _log;
    private Task _measuring = Task.CompletedTask;

    private ArrangedModel(
        ServiceSettings service, NodeParts parts, KeptArrangements kept, ArrangementSettings allowed, ILogger log)
    {
        _parts = parts;
        _kept = kept;
        _allowed = allowed;
        _log = log;
        RunArrangement? known = null;
        Classifier = parts.LoadClassifier(service.Model, model => known = kept.Find(model, allowed));
        Service = service.With(known ?? allowed.Default);
        IsMeasured = known is not null
            // The model was loaded with a larger batch. If it has taken only one, its batch is fixed.
            || (allowed.Shapes().Count == 1 && allowed.BatchesUpTo(Classifier.PreferredBatchSize).Count == 1);
    }

    /// <summary>The loaded model.</summary>
    public IImageClassifier Classifier { get; private set; }

    /// <summary>The settings with the arrangement.</summary>
    public ServiceSettings Service { get; private set; }

    /// <summary>True if there is nothing to measure any more.</summary>
    public bool IsMeasured { get; }

    /// <summary>Loads the model of the settings.</summary>
    /// <param name="service">The settings.</param>
    /// <param name="parts">Loads the model.</param>
    /// <param name="kept">The earlier measurements of this machine.</param>
    /// <param name="log">Receives a measurement, or why it failed.</param>
    /// <param name="cores">The number of cores of this machine.</param>
    /// <param name="cancellation">Cancels the start.</param>
    public static ArrangedModel Load(
        ServiceSettings service, NodeParts parts, KeptArrangements kept, ILogger log, int cores,
        CancellationToken cancellation)
    {
        var model = new ArrangedModel(service, parts, kept, ArrangementSettings.Create(service.Config, cores), log);
        try
        {
            if (service.HasEc2Fleet && !model.IsMeasured) model.MeasureAtStart(cancellation);
            FreedMemory.Return();
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Measures for the nodes that start later. Null if another node has measured, or does so now.</summary>
    public Task<ArrangementReport?> MeasureAsync(CancellationToken cancellation)
    {
        var measuring = Task.Run(() => Measure(cancellation), CancellationToken.None);
        _measuring = measuring;
        return measuring;
    }

    /// <summary>Unloads the model. Waits for the run of a measurement: an earlier exit of the process would crash in native
    /// code. A run that exceeds its time-out is not waited for.</summary>
    public void Dispose()
    {
        // A failure was logged already.
        _measuring.ContinueWith(_ => { }, TaskScheduler.Default).Wait(Service.Node.Classification.Timeout);
        Classifier.Dispose();
    }

    private void MeasureAtStart(CancellationToken cancellation)
    {
        ArrangementReport? report = null;
        try
        {
            report = Measure(cancellation);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            _log.LogWarning("The arrangements of the model could not be measured: {Cause}", failure.Message);
        }

        if (report is null) return;
        _log.LogInformation("Of the arrangements of the model, {Report}", report);
        var loaded = Service.Model;
        Service = Service.With(report.Chosen);
        if (Service.Model == loaded) return;
        Classifier.Dispose();
        Classifier = _parts.LoadClassifier(Service.Model, null);
    }

    private ArrangementReport? Measure(CancellationToken cancellation)
    {
        if (!_kept.TryTakeTurn(out var turn)) return null;
        using var untilTheEnd = turn;
        if (_kept.Find(Classifier.Model, _allowed) is not null) return null;
        ArrangementReport? report;
        try
        {
            report = new ArrangementMeasurement(Open, TimeProvider.System).Run(_allowed, cancellation);
        }
        finally
        {
            FreedMemory.Return();
        }

        if (report is not null && _kept.Keep(Classifier.Model, _allowed, report) is { } problem)
            _log.LogWarning("The measured arrangements could not be kept, so they are measured again: {Cause}", problem);
        return report;
    }

    private IImageClassifier Open(int threads)
    {
        if (_parts.IsMemoryShort())
            throw new InvalidOperationException("The machine has too little memory to load the model once more.");
        return _parts.LoadClassifier(
            Service.Model with { Threads = threads, MaxBatch = _allowed.LargestBatch }, null);
    }
}
