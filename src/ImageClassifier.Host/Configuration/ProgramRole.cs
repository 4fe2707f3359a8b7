namespace ImageClassifier.Host.Configuration;

/// <summary>What a process of this program is.</summary>
public enum ProgramRole
{
    /// <summary>The web tier.</summary>
    Web,

    /// <summary>An app node, or another verb that runs the model.</summary>
    Node,
}
