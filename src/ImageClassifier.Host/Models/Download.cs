namespace ImageClassifier.Host.Models;

/// <summary>A file to download.</summary>
/// <param name="Address">Its address.</param>
/// <param name="File">Its destination.</param>
/// <param name="Bytes">Its size; null if not known.</param>
/// <param name="MaxBytes">The most bytes if the size is not known.</param>
internal sealed record Download(Uri Address, PartialFile File, long? Bytes, long MaxBytes);
