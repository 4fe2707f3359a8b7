namespace ImageClassifier.Host.Models;

/// <summary>The progress of a download or an upload.</summary>
/// <param name="Done">The bytes that are at their destination, those of earlier runs among them.</param>
/// <param name="Total">The bytes of all files; null if not known.</param>
internal readonly record struct TransferProgress(long Done, long? Total);
