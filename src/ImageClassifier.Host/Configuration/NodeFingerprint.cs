using System.Security.Cryptography;
using System.Text;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Configuration;

/// <summary>Identifies a node's model and its settings: all under <c>node</c> and <c>queues</c>, and the limits of the
/// pictures that it fetches. Nodes with equal
/// fingerprints give equal results. A web tier drains nodes whose fingerprint differs from its own.</summary>
public static class NodeFingerprint
{
    // Enough to distinguish a few versions, and short enough to read.
    private const int Digits = 16;

    private static readonly string[] Sections = ["image-classifier.node", "image-classifier.queues"];

    private static readonly string[] Values = ["image-classifier.uploads.formats", "image-classifier.uploads.max-file-size"];

    /// <summary>The fingerprint, as lower-case hexadecimal digits.</summary>
    /// <param name="model">The model that the node runs.</param>
    /// <param name="config">The settings as a node reads them.</param>
    public static string Of(ModelIdentity model, Config config)
    {
        var text = new StringBuilder().Append(model.Name).Append('\n').Append(model.Sha256).Append('\n');
        foreach (var section in Sections) Append(text, section, config.GetConfig(section).Root);
        foreach (var value in Values) Append(text, value, config.GetValue(value));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
        return Convert.ToHexStringLower(hash)[..Digits];
    }

    private static void Append(StringBuilder text, string path, HoconValue value)
    {
        if (!value.IsObject())
        {
            text.Append(path).Append('=').Append(value.GetString()).Append('\n');
            return;
        }

        foreach (var (name, inner) in value.GetObject().Items.OrderBy(item => item.Key, StringComparer.Ordinal))
            Append(text, $"{path}.{name}", inner);
    }
}
