using System.Security.Cryptography;
using System.Text;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Checks and hashes the files of a model directory.</summary>
internal static class ModelFiles
{
    /// <summary>The most bytes of a file that is read into memory as text. Real ones are far smaller.</summary>
    public const long MaxTextBytes = 16 << 20;

    private const int LongestShownName = 200;

    private static ReadOnlySpan<byte> GitLfs => "version https://git-lfs."u8;

    /// <summary>The fault of a file that is visible before it is read, as a clause; null if there is none.</summary>
    /// <param name="directory">The model directory.</param>
    /// <param name="name">The path of the file in it.</param>
    /// <param name="maxBytes">The most bytes that the file may have.</param>
    public static string? Fault(string directory, string name, long maxBytes = long.MaxValue)
    {
        var path = Path.Combine(directory, name);
        if (!Path.Exists(path)) return $"{name} is missing in {directory}";
        // Opening a pipe waits for a writer, and some devices never end.
        var kind = Directory.Exists(path) ? PathKind.Folder : PathKinds.Of(path);
        if (kind is not (PathKind.Regular or PathKind.Unknown))
            return $"{name} is {kind.InWords()}; put the file itself there";
        if (File.ResolveLinkTarget(path, returnFinalTarget: true) is { Exists: false } target)
            return $"{name} is a link to {target.FullName}, where nothing is; put the file itself there";
        using var file = File.OpenRead(path);
        if (file.Length > maxBytes)
            return $"{name} has {file.Length} bytes, but may have at most {maxBytes}; put the right file there";
        return IsGitLfsPointer(file)
            ? $"{name} is a Git LFS pointer, not the file itself; fetch the file with git lfs pull"
            : null;
    }

    /// <summary>The fault of a file of weights, as a clause; null if there is none. The file must be in the model
    /// directory, so that the directory holds the whole model.</summary>
    public static string? WeightsFault(string directory, string name)
    {
        var parts = name.Split('/');
        if (name.Length == 0 || name.Contains('\0') || Path.IsPathRooted(name) || parts.Contains(".."))
        {
            return $"the network takes weights from \"{UntrustedText.ForMessage(name, LongestShownName)}\", which is not "
                + "in the model directory; put the file beside the network, and export the network with that name";
        }

        return IsReachedByLink(directory, parts)
            ? $"the weights {name} are reached by a symbolic link; put the file itself there"
            : Fault(directory, name);
    }

    /// <summary>The SHA-256 of the lines that <c>sha256sum</c> prints for several files in this order.</summary>
    /// <returns>64 lower-case hexadecimal digits.</returns>
    public static string Hash(string directory, IEnumerable<string> names)
    {
        var lines = string.Concat(names.Select(name => $"{Hash(Path.Combine(directory, name))}  {name}\n"));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines)));
    }

    private static bool IsReachedByLink(string directory, string[] names)
    {
        var path = directory;
        foreach (var name in names)
        {
            path = Path.Combine(path, name);
            if (new FileInfo(path).LinkTarget is not null) return true;
        }

        return false;
    }

    private static string Hash(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private static bool IsGitLfsPointer(FileStream file)
    {
        Span<byte> begin = stackalloc byte[GitLfs.Length];
        return file.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false) == begin.Length
            && begin.SequenceEqual(GitLfs);
    }
}
