using System.Text.RegularExpressions;

namespace ImageClassifier.Core.Storage;

/// <summary>Recognises the keys that the program makes. Objects with other keys belong to someone else and are left
/// alone.</summary>
public static partial class OwnKeys
{
    /// <summary>True if the key is one of the program: see <see cref="ObjectKeys"/> and the keys of the registry.</summary>
    public static bool Contains(string key) => Own().IsMatch(key);

    // Batches, jobs and digests are hexadecimal. The fleet names the nodes. Markers and notes are batches/{kind}/{id},
    // and may have more after a hyphen.
    [GeneratedRegex("""
        \A(?:
            images/[0-9a-f]{32}/[0-9a-f]{32}\.(?:jpg|jpeg|png|webp)
          | results/[0-9a-f]{32}/(?:[0-9a-f]{32} | model | stopped)\.json
          | batches/[0-9a-f]{32}/(?:manifest\.json | sent | attempts/[0-9a-f]{32}\.json)
          | batches/[0-9a-f]{32}/settled/(?:[0-9a-f]{32} | batch)-[0-9]+(?:\.purged)?
          | batches/callbacks/[0-9a-f]{32}/(?:[0-9a-f]{32} | batch)-[0-9]+-[0-9a-f]{8}-[0-9]{10}
          | batches/undelivered/[0-9a-f]{32}/(?:[0-9a-f]{32} | batch)-[0-9]+\.json
          | batches/repeats/[0-9]{10}/[0-9a-f]{32}\.json
          | batches/[a-z]+/[0-9a-f]{32,64}(?:-[a-z]+(?:/[0-9A-Za-z]+)?)?
          | suspects/[0-9a-f]{32}/[0-9a-f]{32}-[0-9]+\.json
          | models/active\.json
          | models/(?!active\.json/)[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?/[0-9a-f]{64}/
            (?:files\.json | verdict\.json | [0-9a-f]{64})
          | launches/[0-9]{10}\.json
          | nodes/(?:node-[0-9a-f]{12} | i-[0-9a-f]+)\.json
        )\z
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Own();
}
