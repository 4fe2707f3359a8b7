using System.Collections.Concurrent;
using System.Text.Json;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using static ImageClassifier.EndToEnd.Programs.ServiceClient;

namespace ImageClassifier.EndToEnd.Rollouts;

/// <summary>Uploads small batches one after the other, and follows each to its end, until it is stopped.</summary>
internal sealed class UploadLoad : IAsyncDisposable
{
    private const int Uploaders = 2;
    private const int PicturesInBatch = 4;
    private const int PicturesInLongBatch = 300;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly RunningService _service;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentQueue<AnsweredBatch> _answered = new();
    private readonly Task _uploads;
    private int _uploaded;

    private UploadLoad(RunningService service)
    {
        _service = service;
        _uploads = Task.WhenAll(Enumerable.Range(0, Uploaders).Select(_ => Task.Run(UploadAsync)));
    }

    /// <summary>Begins to upload.</summary>
    public static UploadLoad Start(RunningService service) => new(service);

    /// <summary>Waits for a batch that is uploaded from now on and answered by a model.</summary>
    /// <param name="model">The name of the model.</param>
    public async Task AwaitAnswerOfAsync(string model)
    {
        var from = Volatile.Read(ref _uploaded);
        await Until.HoldsAsync(
            () => _uploads.IsFaulted || _answered.Any(batch => batch.Number > from && batch.Models.Any(used => used.Name == model)),
            Limit,
            () => $"No batch was answered by {model}, only by {string.Join(", ", Models())}:\n{_service.Log}");
        if (_uploads.IsFaulted) await _uploads;
    }

    /// <summary>Uploads a batch on which all nodes work for seconds.</summary>
    /// <returns>The batch when it is complete.</returns>
    public async Task<Task<AnsweredBatch>> UploadLongAsync()
    {
        var number = Interlocked.Increment(ref _uploaded);
        return FollowAsync(number, await _service.UploadAsync(TestPictures.Slow(PicturesInLongBatch)));
    }

    /// <summary>Ends the uploads.</summary>
    /// <returns>All batches. Each is complete.</returns>
    public async Task<IReadOnlyList<AnsweredBatch>> StopAsync()
    {
        await _stopping.CancelAsync();
        await _uploads;
        return [.. _answered];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _uploads.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task UploadAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var number = Interlocked.Increment(ref _uploaded);
            await FollowAsync(number, await _service.UploadAsync(TestPictures.Many(PicturesInBatch)));
        }
    }

    private async Task<AnsweredBatch> FollowAsync(int number, JsonElement accepted)
    {
        var jobs = await _service.FollowAsync(BatchId(accepted), Limit);
        AssertOnceEach(accepted, jobs);
        var answered = new AnsweredBatch(number, jobs);
        _answered.Enqueue(answered);
        return answered;
    }

    private IEnumerable<string?> Models() => _answered.SelectMany(batch => batch.Models).Select(used => used.Name).Distinct();
}

/// <summary>A batch with its results.</summary>
/// <param name="Number">Counts the uploads from 1.</param>
/// <param name="Jobs">The jobs as the socket sent them.</param>
internal sealed record AnsweredBatch(int Number, IReadOnlyList<JsonElement> Jobs)
{
    /// <summary>The models that answered it.</summary>
    public IReadOnlyCollection<(string? Name, string? Sha256)> Models { get; } =
    [
        .. Jobs.Select(job => job.GetProperty("model")).Select(model => (
            model.GetProperty("name").GetString(), model.GetProperty("sha256").GetString())).Distinct(),
    ];

    /// <summary>The instances of the nodes that answered it.</summary>
    public IEnumerable<string?> Instances => Jobs.Select(job => job.GetProperty("instanceId").GetString()).Distinct();
}
