namespace ImageClassifier.Core.Storage;

/// <summary>The outcome of reading a stored document.</summary>
public abstract record DocumentRead<T> where T : class, IStoredDocument
{
    private DocumentRead()
    {
    }

    /// <summary>The document; null if it is missing or damaged.</summary>
    public T? OrNull => (this as Found)?.Document;

    /// <summary>The document is there and complete.</summary>
    public sealed record Found(T Document) : DocumentRead<T>;

    /// <summary>There is no object with the key.</summary>
    public sealed record Missing : DocumentRead<T>;

    /// <summary>The object is not a valid document of this kind. Reading it again does not help.</summary>
    /// <param name="Key">The key.</param>
    /// <param name="Why">What is wrong with the object.</param>
    public sealed record Damaged(string Key, string Why) : DocumentRead<T>;
}
