namespace ImageClassifier.Testing;

/// <summary>A network of the shared test data for tests that need any real model. It takes a tenth of the default model's
/// time, and batches of any size.</summary>
public static class SmallModel
{
    /// <summary>The model directory. Skips the running test if the data is missing.</summary>
    public static string Folder => Repository.SharedFile("models", "tiny-imagenet-200");

    /// <summary>The model directory; null if the data is missing.</summary>
    public static string? FolderOrNull => Repository.HasShared ? Folder : null;
}
