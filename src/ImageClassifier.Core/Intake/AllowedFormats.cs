using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Intake;

/// <summary>
/// The allowed picture formats, and the messages for all other files. The extension of a name may be any of these
/// formats', in any case, or missing. Then the first bytes decide.
/// </summary>
/// <param name="formats">At least one.</param>
public sealed class AllowedFormats(params IReadOnlyCollection<PictureFormat> formats)
{
    private readonly PictureFormat[] _formats = [.. formats.Distinct().Order()];

    /// <summary>JPEG and PNG.</summary>
    public static AllowedFormats Default { get; } = new(PictureFormat.Jpeg, PictureFormat.Png);

    /// <summary>The names of the formats, for people: <c>JPEG or PNG</c>.</summary>
    public string Names => Alternatives(_formats.Select(PictureFormats.Name));

    /// <summary>True if the format is allowed.</summary>
    public bool Allows(PictureFormat format) => _formats.Contains(format);

    /// <summary>The format of a file by its first bytes; null if it is not allowed.</summary>
    /// <param name="head">The first bytes; <see cref="FileKinds.HeadLength"/> are enough.</param>
    public PictureFormat? FormatOf(ReadOnlySpan<byte> head) =>
        FileKinds.FromBytes(head)?.Format is { } format && Allows(format) ? format : null;

    /// <summary>True if a file of this name may be allowed.</summary>
    public bool AllowsName(string fileName) =>
        ExtensionOf(fileName) is not { Length: > 0 } extension
        || (FileKinds.FromExtension(extension)?.Format is { } format && Allows(format));

    /// <summary>The error for a file that is not allowed: what it is, and what to do.</summary>
    /// <param name="fileName">The name of the file.</param>
    /// <param name="head">The first bytes of the file.</param>
    public JobError Refuse(string fileName, ReadOnlySpan<byte> head) => AllowsName(fileName)
        ? new JobError(JobErrorCodes.ContentMismatch, Refuse(head))
        : new JobError(JobErrorCodes.UnsupportedName, RefuseName(fileName, head));

    /// <summary>The message for a file that is not allowed, by its first bytes alone.</summary>
    public string Refuse(ReadOnlySpan<byte> head) => FileKinds.FromBytes(head) is { } kind
        ? $"The file is {kind.Name}. {RemedyFor(kind)}"
        : $"The file is not a {Names} picture, whatever its name says. Open it with the program that it came from, "
            + $"and export it as {Names}.";

    private string RefuseName(string fileName, ReadOnlySpan<byte> head)
    {
        if (FormatOf(head) is { } format)
        {
            return $"The file is a {PictureFormats.Name(format)} picture, but its name says otherwise. "
                + $"Rename it to end in {PictureFormats.Extension(format)}.";
        }

        if (FileKinds.FromBytes(head) is not null) return Refuse(head);
        return FileKinds.FromExtension(ExtensionOf(fileName)) is { } named
            ? $"By its name the file is {named.Name}. {RemedyFor(named)}"
            : $"The file's name has no ending of {Names}. "
                + $"If it is one, rename it to end in {Alternatives(_formats.Select(PictureFormats.Extension))}.";
    }

    private string RemedyFor(FileKind kind) => kind.Remedy ?? $"Export it as {Names}.";

    // Invisible characters, such as direction marks, may follow the extension.
    private static string ExtensionOf(string fileName) =>
        Path.GetExtension(UntrustedText.WithoutInvisible(fileName)).TrimEnd();

    private static string Alternatives(IEnumerable<string> words)
    {
        var all = words.ToArray();
        return all.Length == 1 ? all[0] : $"{string.Join(", ", all[..^1])} or {all[^1]}";
    }
}
