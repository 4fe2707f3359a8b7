namespace ImageClassifier.Core.Storage;

/// <summary>A JSON document that is kept in the object store. Whatever JSON is there can be read as one, so a reader asks
/// the document itself whether it is usable.</summary>
public interface IStoredDocument
{
    /// <summary>The largest such document in bytes. What is larger is damaged, and is not read.</summary>
    static virtual long MaxSize => 1 << 20;

    /// <summary>Whether nothing is missing that readers rely on, and the document is the one that belongs at the
    /// key.</summary>
    bool IsWholeAt(string key);
}
