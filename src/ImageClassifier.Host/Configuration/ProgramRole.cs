namespace ImageClassifier.Host.Configuration;

/// <summary>What a process of this program is.</summary>
public enum ProgramRole
{
    /// <summary>The web tier.</summary>
    Web,

    /// <summary>An app node, and whatever else runs the model.</summary>
    Node,
}
