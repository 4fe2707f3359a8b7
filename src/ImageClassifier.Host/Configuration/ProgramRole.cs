namespace ImageClassifier.Host.Configuration;

/// <summary>What a process of this program is; each role has its own layer of settings.</summary>
public enum ProgramRole
{
    /// <summary>The web tier: <c>web.conf</c>.</summary>
    Web,

    /// <summary>An app node, or another verb that runs the model: <c>node.conf</c>.</summary>
    Node,
}
