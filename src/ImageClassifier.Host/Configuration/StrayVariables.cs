namespace ImageClassifier.Host.Configuration;

/// <summary>Finds environment variables that look like settings but are none. Most have one underscore instead of two.
/// Only names close to a setting's are reported, because other programs use the prefix too: Kubernetes sets such
/// variables for a service of this name.</summary>
public static class StrayVariables
{
    private const string Begin = "IMAGE_CLASSIFIER";

    // A name with up to two wrong letters is a typing error.
    private const int MostSlips = 2;

    /// <summary>A sentence for each such variable.</summary>
    public static IEnumerable<string> Warnings(IEnumerable<string> variables)
    {
        string[] stray = [.. variables.Where(IsStray).Order(StringComparer.Ordinal)];
        if (stray.Length == 0) yield break;
        var settings = ProgramSettings.AllKeys().ToDictionary(VariableOf, StringComparer.Ordinal);
        foreach (var name in stray)
        {
            if (Nearest(name, settings.Keys) is not { } meant) continue;
            yield return $"The environment variable {name} is not used: a setting's begins with IMAGE_CLASSIFIER__, in "
                + $"capitals, and has two underscores for each dot. Write {meant} for {settings[meant]}.";
        }
    }

    private static bool IsStray(string name) =>
        name.StartsWith(Begin, StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith(ProgramSettings.VariablePrefix, StringComparison.Ordinal);

    private static string VariableOf(string key)
    {
        var names = key.Split('.').Skip(1).Select(name => name.Replace('-', '_').ToUpperInvariant());
        return $"{ProgramSettings.VariablePrefix}{string.Join("__", names)}";
    }

    private static string? Nearest(string name, IReadOnlyCollection<string> settings)
    {
        var written = Letters(name);
        return settings.Select(setting => (setting, distance: Spelling.Distance(written, Letters(setting))))
                .Where(found => found.distance <= MostSlips)
                .OrderBy(found => found.distance)
                .Select(found => found.setting)
                .FirstOrDefault()
            ?? settings.FirstOrDefault(setting => LastName(setting) is var last && last.Contains('_')
                && Letters($"{Begin}{last}") == written);
    }

    private static string LastName(string setting) =>
        setting[(setting.LastIndexOf("__", StringComparison.Ordinal) + 2)..];

    private static string Letters(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();
}
