namespace ImageClassifier.Core.Storage;

/// <summary>What a key of an <see cref="Ports.IObjectStore"/> may be, for whatever implements one.</summary>
public static class ObjectKey
{
    /// <summary>Refuses what is no key, so that no key leads out of its store.</summary>
    /// <exception cref="ArgumentException">It is no key.</exception>
    public static void Check(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!key.Split('/').All(IsName))
        {
            throw new ArgumentException(
                "A key is names of letters, digits, '.', '-' and '_', separated by '/'; none is empty or only dots.",
                nameof(key));
        }
    }

    /// <summary>Splits a prefix into the folder that it names and the beginning of the names in that folder.</summary>
    /// <exception cref="ArgumentException">No key can start so.</exception>
    public static (string Folder, string NameStart) SplitPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var slash = prefix.LastIndexOf('/');
        var folder = slash < 0 ? "" : prefix[..slash];
        if (slash >= 0) Check(folder);
        var nameStart = prefix[(slash + 1)..];
        return nameStart.All(IsAllowed)
            ? (folder, nameStart)
            : throw new ArgumentException("No key can start so.", nameof(prefix));
    }

    /// <summary>Whether a text can stand between two slashes of a key.</summary>
    public static bool IsName(string name) => name.All(IsAllowed) && name.Any(c => c != '.');

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';
}
