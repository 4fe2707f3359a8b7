using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>What is to be done with a file, by its first bytes.</summary>
internal abstract record PictureInspection
{
    // The service decides whether it takes WebP.
    private static readonly AllowedFormats Pictures = new(Enum.GetValues<PictureFormat>());

    private PictureInspection()
    {
    }

    /// <summary>It is a picture.</summary>
    public sealed record Sendable(long Size, long Changed) : PictureInspection;

    /// <summary>It cannot be sent, and the user is told why.</summary>
    public sealed record Unusable(JobError Error) : PictureInspection;

    /// <summary>It is no picture and does not look like one, and the user named only its folder.</summary>
    public sealed record LeftOut : PictureInspection;

    /// <summary>Looks at a file.</summary>
    public static PictureInspection Of(string path, bool inFolder)
    {
        var (size, changed, isPicture) = (0L, 0L, false);
        var error = UserFile.Read(path, takesPipes: false, (file, head) =>
        {
            isPicture = IsPicture(FileKinds.FromBytes(head));
            if (Pictures.FormatOf(head) is null || !Pictures.AllowsName(path))
                return AllowedFormats.Default.Refuse(path, head);
            (size, changed) = (file.Length, File.GetLastWriteTimeUtc(file.SafeFileHandle).Ticks);
            return null;
        });
        if (error is null) return new Sendable(size, changed);
        var isAnotherFile = error.Code is JobErrorCodes.Empty or JobErrorCodes.ContentMismatch
            or JobErrorCodes.UnsupportedName;
        return inFolder && isAnotherFile && !isPicture && !IsPicture(FileKinds.FromExtension(Path.GetExtension(path)))
            ? new LeftOut()
            : new Unusable(error);
    }

    // Only pictures can be exported as another format; other files have another remedy.
    private static bool IsPicture(FileKind? kind) => kind is { Remedy: null };
}
