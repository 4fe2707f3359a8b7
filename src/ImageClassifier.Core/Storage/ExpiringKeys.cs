namespace ImageClassifier.Core.Storage;

/// <summary>The objects that are deleted once they are old enough. Models are not among them: an active model may be older
/// than every picture. Notes of launches are not either: the scaler deletes them, and counts on from the newest.</summary>
public static class ExpiringKeys
{
    /// <summary>The prefixes of these objects. No other prefix may be deleted by age.</summary>
    public static IReadOnlyList<string> Prefixes { get; } =
    [
        ObjectKeys.Images, ObjectKeys.Results, ObjectKeys.Batches, ObjectKeys.Nodes,
        // Only earlier versions of the program wrote them.
        "suspects/",
    ];

    /// <summary>True if the program made the key and its object may be deleted by age.</summary>
    public static bool Contains(string key) =>
        OwnKeys.Contains(key) && Prefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
}
