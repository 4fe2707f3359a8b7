namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The environment variables that the web tier passes to a node: settings and what a process needs, but no
/// secret. A picture may take over the decoder, which must find no secret in its process.</summary>
public static class NodeEnvironment
{
    private const string Settings = "IMAGE_CLASSIFIER_";
    private const string AccessSettings = "IMAGE_CLASSIFIER__ACCESS__";

    // It may hold the key itself.
    private const string WebKey = "IMAGE_CLASSIFIER__WEB__CLUSTER__CERTIFICATE_KEY";

    // Windows ignores the case of variable names.
    private static readonly StringComparer Comparer =
        OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    private static readonly HashSet<string> Names = new(Comparer)
    {
        // Paths, and the formats of texts and times.
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LANGUAGE", "TZ", "TZDIR", "XDG_DATA_HOME",
        // Libraries and certificates.
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF",
        // Threads and memory of native libraries.
        "OMP_NUM_THREADS", "MALLOC_ARENA_MAX",
        // Required by every process on Windows.
        "SystemRoot", "SystemDrive", "windir", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "ProgramData",
        "ProgramFiles", "ComSpec", "PATHEXT", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    };

    private static readonly string[] Prefixes = ["LC_", "DOTNET_", "COMPlus_", Settings];

    // The address of a proxy can contain a password. Only nodes that call AWS get it.
    private static readonly string[] OnAws = ["AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];

    private static readonly string[] SecretWords = ["SECRET", "PASSWORD", "TOKEN", "CREDENTIAL"];

    /// <summary>True if a node gets a variable.</summary>
    /// <param name="name">The name of the variable.</param>
    /// <param name="onAws">True if the node's queues and store are on AWS.</param>
    public static bool Passes(string name, bool onAws)
    {
        if (onAws && OnAws.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))) return true;
        if (name.StartsWith(AccessSettings, StringComparison.OrdinalIgnoreCase)
            || name.Equals(WebKey, StringComparison.OrdinalIgnoreCase) || IsSecret(name))
        {
            return false;
        }

        return Names.Contains(name) || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static bool IsSecret(string name) =>
        SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
}
