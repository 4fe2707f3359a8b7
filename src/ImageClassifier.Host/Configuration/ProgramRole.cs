namespace ImageClassifier.Host.Configuration;

/// <summary>The role of a process of this program.</summary>
public enum ProgramRole
{
    /// <summary>The web tier.</summary>
    Web,

    /// <summary>An app node, or another verb that runs the model.</summary>
    Node,
}
