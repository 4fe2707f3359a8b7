using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>Lets one file in, or refuses it: its name and its first bytes decide, and the rest streams into the store
/// without being held in memory.</summary>
internal sealed class PictureIntake(IObjectStore store, long maxFileSize, AllowedFormats formats)
{
    /// <summary>Takes the file, and reads it to its end also where it is refused.</summary>
    /// <param name="batch">The batch it comes with.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellation">Ends the taking; nothing is then stored.</param>
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    /// <exception cref="IOException">The store does not take them.</exception>
    public async Task<ManifestJob> TakeAsync(BatchId batch, FormFile file, CancellationToken cancellation)
    {
        var job = Judge(file, out var format) is { } error
            ? ManifestJob.Refuse(file.ShownName, error)
            : await StoreAsync(batch, file, format, cancellation).ConfigureAwait(false);
        return job with { Sha256 = await file.FinishAsync(cancellation).ConfigureAwait(false) };
    }

    private JobError? Judge(FormFile file, out PictureFormat format)
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
                var error = new JobError(JobErrorCodes.TooLarge, $"The file has more than {maxFileSize} bytes.");
                return ManifestJob.Refuse(file.ShownName, error);
            }
        }

        return ManifestJob.Accept(job, file.ShownName, imageKey);
    }
}
