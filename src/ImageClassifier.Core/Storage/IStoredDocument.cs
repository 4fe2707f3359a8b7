namespace ImageClassifier.Core.Storage;

/// <summary>A JSON document in the object store. Deserialization accepts any JSON object, so the document itself tells
/// whether it can be used.</summary>
public interface IStoredDocument
{
    /// <summary>The largest document in bytes. A larger object counts as damaged and is not read.</summary>
    static virtual long MaxSize => 1 << 20;

    /// <summary>True if the document only holds the place of one that must not be written. It counts as
    /// missing.</summary>
    bool IsTombstone => false;

    /// <summary>True if no required part is missing and the document belongs at the key.</summary>
    bool IsWholeAt(string key);
}
