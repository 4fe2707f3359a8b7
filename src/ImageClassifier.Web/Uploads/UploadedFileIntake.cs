using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Web.Batches;

namespace ImageClassifier.Web.Uploads;

/// <summary>Accepts or refuses one file by its name and its first bytes. An accepted file streams into the store, so it
/// is never in memory as a whole.</summary>
internal sealed class UploadedFileIntake(IObjectStore store, long maxFileSize, AllowedFormats formats)
{
    /// <summary>Accepts or refuses the file. A refused file is read to its end as well.</summary>
    /// <param name="batch">The file's batch.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellation">Cancels the call; then nothing is stored.</param>
    /// <exception cref="RequestBodyException">The request breaks off.</exception>
    /// <exception cref="IOException">The store does not accept the bytes.</exception>
    public async Task<ManifestJob> TakeAsync(BatchId batch, FormFile file, CancellationToken cancellation)
    {
        var job = CheckFile(file, out var format) is { } error
            ? ManifestJob.Refuse(file.ShownName, error)
            : await StoreAsync(batch, file, format, cancellation).ConfigureAwait(false);
        return job with { Sha256 = await file.FinishAsync(cancellation).ConfigureAwait(false) };
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

    private async Task<ManifestJob> StoreAsync(
        BatchId batch, FormFile file, PictureFormat format, CancellationToken cancellation)
    {
        var job = JobId.New();
        var imageKey = ObjectKeys.Image(batch, job, format);
        var picture = new PictureStream(file.Head, file.Rest, maxFileSize);
        await using (picture.ConfigureAwait(false))
        {
            try
            {
                await store.PutAsync(imageKey, picture, cancellation).ConfigureAwait(false);
            }
            catch (PictureTooLargeException)
            {
                var error = new JobError(
                    JobErrorCodes.TooLarge, $"The file has more than {maxFileSize} bytes. Send a smaller one.");
                return ManifestJob.Refuse(file.ShownName, error);
            }
        }

        return ManifestJob.Accept(job, file.ShownName, imageKey);
    }
}
