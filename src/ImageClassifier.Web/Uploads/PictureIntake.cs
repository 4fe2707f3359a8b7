using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Web.Uploads;

/// <summary>Lets one file in, or refuses it: its name and its first bytes decide, and the rest streams into the store
/// without being held in memory.</summary>
internal sealed class PictureIntake(IObjectStore store, long maxFileSize, AllowedFormats formats)
{
    /// <summary>Takes the file.</summary>
    /// <param name="batch">The batch it comes with.</param>
    /// <param name="sentName">What the client calls it.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="cancellation">Ends the taking; nothing is then stored.</param>
    /// <exception cref="RequestBodyException">The bytes cannot be read to their end.</exception>
    /// <exception cref="IOException">The store does not take them.</exception>
    public async Task<ManifestJob> TakeAsync(
        BatchId batch, string sentName, Stream content, CancellationToken cancellation)
    {
        var fileName = FileNames.ForShowing(sentName);
        var head = new byte[FileKinds.HeadLength];
        var headLength = await ReadHeadAsync(content, head, cancellation).ConfigureAwait(false);
        if (headLength == 0 && formats.AllowsName(fileName))
            return ManifestJob.Refuse(fileName, new JobError(JobErrorCodes.Empty, "The file is empty."));
        if (!formats.AllowsName(fileName) || formats.FormatOf(head.AsSpan(0, headLength)) is not { } format)
            return ManifestJob.Refuse(fileName, formats.Refuse(fileName, head.AsSpan(0, headLength)));

        var job = JobId.New();
        var imageKey = ObjectKeys.Image(batch, job, format);
        var picture = new PictureStream(head.AsMemory(0, headLength), content, maxFileSize);
        await using (picture.ConfigureAwait(false))
        {
            try
            {
                await store.PutAsync(imageKey, picture, cancellation).ConfigureAwait(false);
            }
            catch (PictureTooLargeException)
            {
                return ManifestJob.Refuse(
                    fileName, new JobError(JobErrorCodes.TooLarge, $"The file has more than {maxFileSize} bytes."));
            }
        }

        return ManifestJob.Accept(job, fileName, imageKey);
    }

    private static async Task<int> ReadHeadAsync(Stream content, byte[] head, CancellationToken cancellation)
    {
        try
        {
            return await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellation)
                .ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            throw new RequestBodyException(failure);
        }
    }
}
