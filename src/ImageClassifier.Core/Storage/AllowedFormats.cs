using ImageClassifier.Core.Messages;

namespace ImageClassifier.Core.Storage;

/// <summary>
/// The formats that are let in, and what is said to every other file. A name may end as names of these formats do, in
/// any case, or have no ending; the first bytes then decide.
/// </summary>
/// <param name="formats">At least one.</param>
public sealed class AllowedFormats(params IReadOnlyCollection<PictureFormat> formats)
{
    private readonly PictureFormat[] _formats = [.. formats.Distinct().Order()];

    /// <summary>JPEG and PNG.</summary>
    public static AllowedFormats Default { get; } = new(PictureFormat.Jpeg, PictureFormat.Png);

    /// <summary>Their names, for people: <c>JPEG or PNG</c>.</summary>
    public string Names => Alternatives(_formats.Select(PictureFormats.Name));

    /// <summary>The format that the first bytes show; null where it is not let in.</summary>
    /// <param name="head">The file's beginning; <see cref="FileKinds.HeadLength"/> bytes are enough.</param>
    public PictureFormat? FormatOf(ReadOnlySpan<byte> head) =>
        FileKinds.FromBytes(head)?.Format is { } format && _formats.Contains(format) ? format : null;

    /// <summary>Whether a file of this name may be let in.</summary>
    public bool AllowsName(string fileName) =>
        EndingOf(fileName) is not { Length: > 0 } ending
        || (FileKinds.FromEnding(ending)?.Format is { } format && _formats.Contains(format));

    /// <summary>What is wrong with a file that is not let in: what it is, and what to do.</summary>
    /// <param name="fileName">Its name.</param>
    /// <param name="head">Its beginning.</param>
    public JobError Refuse(string fileName, ReadOnlySpan<byte> head) => AllowsName(fileName)
        ? new JobError(JobErrorCodes.ContentMismatch, Refuse(head))
        : new JobError(JobErrorCodes.UnsupportedName, RefuseName(fileName, head));

    /// <summary>What to say to a file that is not let in, by its first bytes alone.</summary>
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
        return FileKinds.FromEnding(EndingOf(fileName)) is { } named
            ? $"By its name the file is {named.Name}. {RemedyFor(named)}"
            : $"The file's name does not end as a {Names} picture's does. "
                + $"If it is one, rename it to end in {Alternatives(_formats.Select(PictureFormats.Extension))}.";
    }

    private string RemedyFor(FileKind kind) => kind.Remedy ?? $"Export it as {Names}.";

    // Marks of writing direction and the like may stand unseen at a name's end.
    private static string EndingOf(string fileName) => Path.GetExtension(ForeignText.WithoutUnseen(fileName)).TrimEnd();

    private static string Alternatives(IEnumerable<string> words)
    {
        var all = words.ToArray();
        return all.Length == 1 ? all[0] : $"{string.Join(", ", all[..^1])} or {all[^1]}";
    }
}
