namespace ImageClassifier.Core.Storage;

/// <summary>What reading a stored document came to.</summary>
public abstract record DocumentRead<T> where T : class, IStoredDocument
{
    private DocumentRead()
    {
    }

    /// <summary>The document, where there is a whole one; null where it is missing or damaged.</summary>
    public T? OrNull => (this as Found)?.Document;

    /// <summary>The document is there and whole.</summary>
    public sealed record Found(T Document) : DocumentRead<T>;

    /// <summary>There is no object at the key.</summary>
    public sealed record Missing : DocumentRead<T>;

    /// <summary>The object at the key is no such document, and reading it again does not help.</summary>
    /// <param name="Key">The key.</param>
    /// <param name="Why">What is wrong with it.</param>
    public sealed record Damaged(string Key, string Why) : DocumentRead<T>;
}
