namespace ImageClassifier.Adapters.Embedded.Fleet;

/// <summary>The environment variables that a node gets from the web tier: what it needs to run and its settings, and no
/// secret. A decoder that a picture takes over should find nothing in its process that is worth taking.</summary>
public static class NodeEnvironment
{
    private const string Settings = "IMAGE_CLASSIFIER_";
    private const string AccessSettings = "IMAGE_CLASSIFIER__ACCESS__";

    // A system's names are compared as that system does.
    private static readonly StringComparer Comparer =
        OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;

    private static readonly HashSet<string> Names = new(Comparer)
    {
        // Where things are, and how text and times are written.
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LANGUAGE", "TZ", "TZDIR", "XDG_DATA_HOME",
        // Libraries and certificates.
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF",
        // Threads and memory of native libraries.
        "OMP_NUM_THREADS", "MALLOC_ARENA_MAX",
        // What a process on Windows cannot do without.
        "SystemRoot", "SystemDrive", "windir", "TEMP", "TMP", "USERPROFILE", "LOCALAPPDATA", "APPDATA", "ProgramData",
        "ProgramFiles", "ComSpec", "PATHEXT", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    };

    private static readonly string[] Prefixes = ["LC_", "DOTNET_", "COMPlus_", Settings];

    // Proxies can carry a password, so only those who call out get them.
    private static readonly string[] OnAws = ["AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"];

    private static readonly string[] SecretWords = ["SECRET", "PASSWORD", "TOKEN", "CREDENTIAL"];

    /// <summary>Whether a node gets a variable.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="onAws">Whether the node's queues and store are on AWS.</param>
    public static bool Passes(string name, bool onAws)
    {
        if (onAws && OnAws.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))) return true;
        if (name.StartsWith(AccessSettings, StringComparison.OrdinalIgnoreCase) || IsSecret(name)) return false;
        return Names.Contains(name) || Prefixes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static bool IsSecret(string name) =>
        SecretWords.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase));
}
