using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;

namespace ImageClassifier.Host.CommandLine.Classify;

/// <summary>Classifies files in their order: several are read and decoded at once, and then run through the model
/// together. Memory holds a fixed number of files, whatever their total.</summary>
/// <param name="classifier">The model.</param>
/// <param name="maxFileSize">The largest allowed file, in bytes.</param>
/// <param name="formats">The allowed formats.</param>
/// <param name="decoders">The number of files that are decoded at once.</param>
internal sealed class FileClassification(
    IImageClassifier classifier, long maxFileSize, AllowedFormats formats, int decoders)
{
    private readonly int _batchSize = classifier.PreferredBatchSize;

    /// <summary>One outcome for each file, in the order of the files. Cancellation ends all decodes and throws
    /// <see cref="OperationCanceledException"/>. A read that hangs is abandoned.</summary>
    public async IAsyncEnumerable<FileOutcome> RunAsync(
        IReadOnlyList<string> files, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var window = Channel.CreateBounded<Task<Entry>>(Math.Max(decoders, _batchSize));
        var reading = ReadAsync(files, window.Writer, ending.Token);
        var batch = new List<Entry>(_batchSize);
        try
        {
            await foreach (var entry in window.Reader.ReadAllAsync(cancellation))
            {
                batch.Add(await entry);
                cancellation.ThrowIfCancellationRequested();
                if (batch.Count < _batchSize) continue;
                foreach (var outcome in Classify(batch)) yield return outcome;
            }

            cancellation.ThrowIfCancellationRequested();
            foreach (var outcome in Classify(batch)) yield return outcome;
        }
        finally
        {
            await ending.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Release(batch);
            while (window.Reader.TryRead(out var left))
                if (left.IsCompletedSuccessfully) Release([await left]);
        }
    }

    private async Task ReadAsync(
        IReadOnlyList<string> files, ChannelWriter<Task<Entry>> window, CancellationToken cancellation)
    {
        using var free = new SemaphoreSlim(decoders);
        var running = new List<Task>();
        try
        {
            foreach (var file in files)
            {
                await window.WaitToWriteAsync(cancellation);
                await free.WaitAsync(cancellation);
                var entry = Task.Run(() => DecodeAsync(file, free, cancellation), CancellationToken.None);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(entry);
                // The channel has room, and there is no other writer.
                await window.WriteAsync(entry, CancellationToken.None);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader of the channel observes the cancellation itself.
        }
        finally
        {
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            window.Complete();
        }
    }

    private async Task<Entry> DecodeAsync(string file, SemaphoreSlim free, CancellationToken cancellation)
    {
        try
        {
            // A read from a dead network drive, or from a pipe without a writer, cannot be cancelled. It must not delay
            // the end. It does not use the classifier, and ends with the process.
            var reading = Task.Run(() => PictureFile.Read(file, maxFileSize, formats, cancellation), cancellation);
            var picture = await reading.WaitAsync(cancellation);
            if (picture.Error is { } unread) return new Entry(file, null, unread);
            return classifier.Decode(picture.Content) switch
            {
                Decoding.Decoded decoded => new Entry(file, decoded.Picture, null),
                Decoding.Refused refused => new Entry(file, null, refused.Error),
                _ => throw new InvalidOperationException("Decoding has two outcomes."),
            };
        }
        finally
        {
            free.Release();
        }
    }

    private List<FileOutcome> Classify(List<Entry> batch)
    {
        DecodedPicture[] pictures = [.. batch.Select(entry => entry.Picture).OfType<DecodedPicture>()];
        var predictions = pictures.Length == 0 ? [] : classifier.Classify(pictures);
        var next = 0;
        var outcomes = batch.ConvertAll(entry => entry.Error is { } error
            ? FileOutcome.Failed(entry.File, error, classifier.Model)
            : FileOutcome.Classified(entry.File, predictions[next++], classifier.Model));
        Release(batch);
        batch.Clear();
        return outcomes;
    }

    private static void Release(IEnumerable<Entry> entries)
    {
        foreach (var entry in entries) entry.Picture?.Dispose();
    }

    /// <summary>A file that is being decoded, or its error.</summary>
    private sealed record Entry(string File, DecodedPicture? Picture, JobError? Error);
}
