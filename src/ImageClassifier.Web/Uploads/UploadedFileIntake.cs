using System.Buffers;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>A file that was read to its end.</summary>
/// <param name="Job">Its job. The task completes when the file is stored or refused.</param>
internal readonly record struct TakenFile(Task<ManifestJob> Job);

/// <summary>Accepts or refuses one file by its name and its first bytes. A small file is stored from memory while the
/// next one is read. A larger one streams into the store, so it is never in memory as a whole.</summary>
internal sealed class UploadedFileIntake(IObjectStore store, long maxFileSize, AllowedFormats formats)
{
    // Most photos for the web are smaller.
    private const int MaxInMemory = 64 << 10;

    /// <summary>Accepts or refuses the file. A refused file is read to its end as well.</summary>
    /// <param name="batch">The file's batch.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellation">Cancels the call and its job; then nothing is stored.</param>
    /// <exception cref="RequestBodyException">The request breaks off.</exception>
    /// <exception cref="IOException">The store does not accept the bytes. The job's task can throw it too.</exception>
    public async Task<TakenFile> TakeAsync(BatchId batch, FormFile file, CancellationToken cancellation)
    {
        if (file.Referenced is { } referenced) return new TakenFile(Task.FromResult(referenced));
        if (CheckFile(file, out var format) is { } error)
        {
            var refused = ManifestJob.Refuse(file.ShownName, error);
            return await FinishAsync(file, refused, cancellation).ConfigureAwait(false);
        }

        var job = JobId.New();
        var picture = ManifestJob.Accept(job, file.ShownName, ObjectKeys.Image(batch, job, format));
        var buffer = ArrayPool<byte>.Shared.Rent(MaxInMemory);
        var isInUse = false;
        try
        {
            file.Head.CopyTo(buffer);
            var rest = buffer.AsMemory(file.Head.Length, MaxInMemory - file.Head.Length);
            var length = file.Head.Length + await file.Rest
                .ReadAtLeastAsync(rest, rest.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            if (length == MaxInMemory || length > maxFileSize)
            {
                var stored = await StreamAsync(picture, buffer.AsMemory(0, length), file.Rest, cancellation)
                    .ConfigureAwait(false);
                return await FinishAsync(file, stored, cancellation).ConfigureAwait(false);
            }

            picture = picture with { Sha256 = await file.FinishAsync(cancellation).ConfigureAwait(false) };
            isInUse = true;
            return new TakenFile(Task.Run(
                () => StoreFromMemoryAsync(picture, buffer, length, cancellation), CancellationToken.None));
        }
        finally
        {
            if (!isInUse) ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task<TakenFile> FinishAsync(FormFile file, ManifestJob job, CancellationToken cancellation)
    {
        var hash = await file.FinishAsync(cancellation).ConfigureAwait(false);
        return new TakenFile(Task.FromResult(job with { Sha256 = hash }));
    }

    private JobError? CheckFile(FormFile file, out PictureFormat format)
    {
        format = default;
        if (file.Name is null)
        {
            return new JobError(JobErrorCodes.NoFileName,
                "The file came without a name. Send one with it: filename=\"cat.jpg\" in its Content-Disposition.");
        }

        var head = file.Head.Span;
        if (!formats.AllowsName(file.ShownName)) return formats.Refuse(file.ShownName, head);
        if (head.IsEmpty) return new JobError(JobErrorCodes.Empty, "The file is empty.");
        if (formats.FormatOf(head) is not { } shown) return formats.Refuse(file.ShownName, head);
        format = shown;
        return null;
    }

    private async Task<ManifestJob> StoreFromMemoryAsync(
        ManifestJob picture, byte[] buffer, int length, CancellationToken cancellation)
    {
        try
        {
            using var content = new MemoryStream(buffer, 0, length, writable: false);
            await store.PutAsync(picture.ImageKey!, content, cancellation).ConfigureAwait(false);
            return picture;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<ManifestJob> StreamAsync(
        ManifestJob picture, ReadOnlyMemory<byte> start, Stream rest, CancellationToken cancellation)
    {
        var content = new PictureStream(start, rest, maxFileSize);
        await using (content.ConfigureAwait(false))
        {
            try
            {
                await store.PutAsync(picture.ImageKey!, content, cancellation).ConfigureAwait(false);
            }
            catch (PictureTooLargeException)
            {
                var error = new JobError(
                    JobErrorCodes.TooLarge, $"The file has more than {maxFileSize} bytes. Send a smaller one.");
                return ManifestJob.Refuse(picture.FileName, error);
            }
        }

        return picture;
    }
}
