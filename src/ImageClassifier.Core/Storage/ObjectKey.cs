namespace ImageClassifier.Core.Storage;

/// <summary>Checks keys for implementations of <see cref="Ports.IObjectStore"/>.</summary>
public static class ObjectKey
{
    /// <summary>Refuses an invalid key, so that no key leads out of its store.</summary>
    /// <exception cref="ArgumentException">The key is invalid.</exception>
    public static void Check(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (!key.Split('/').All(IsName))
        {
            throw new ArgumentException(
                "A key is names of letters, digits, '.', '-' and '_', separated by '/'. No name is empty or only dots.",
                nameof(key));
        }
    }

    /// <summary>Splits a prefix into a folder and the beginning of the names in that folder.</summary>
    /// <exception cref="ArgumentException">No key can start with this prefix.</exception>
    public static (string Folder, string NameStart) SplitPrefix(string prefix)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        var slash = prefix.LastIndexOf('/');
        var folder = slash < 0 ? "" : prefix[..slash];
        if (slash >= 0) Check(folder);
        var nameStart = prefix[(slash + 1)..];
        return nameStart.All(IsAllowed)
            ? (folder, nameStart)
            : throw new ArgumentException("No key can start with this prefix.", nameof(prefix));
    }

    /// <summary>True if the text may stand between two slashes of a key.</summary>
    public static bool IsName(string name) => name.All(IsAllowed) && name.Any(c => c != '.');

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_';
}
