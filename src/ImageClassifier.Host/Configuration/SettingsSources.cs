using System.Collections;

namespace ImageClassifier.Host.Configuration;

/// <summary>The user's settings, from the weakest source to the strongest.</summary>
public sealed record SettingsSources
{
    /// <summary>The option of a settings file.</summary>
    public const string ConfigOption = "--config";

    /// <summary>The option of one setting.</summary>
    public const string SetOption = "--set";

    private const string AccessSection = "image-classifier.access";

    /// <summary>The file of <c>--config</c>; null if there is none.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>The parameter on AWS; null if there is none, or it is not read yet.</summary>
    public ParameterText? Parameter { get; init; }

    /// <summary>The environment variables. Those that begin with <c>IMAGE_CLASSIFIER__</c> are settings.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentVariables { get; init; } = new Dictionary<string, string>();

    /// <summary>The values of <c>--set</c>, each as <c>key=value</c>. The later of two wins.</summary>
    public IReadOnlyList<string> Assignments { get; init; } = [];

    /// <summary>Settings with their own option, which wins over all other sources.</summary>
    public IReadOnlyList<OptionValue> Options { get; init; } = [];

    /// <summary>The environment variables of this process.</summary>
    public static IReadOnlyDictionary<string, string> ProcessVariables() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");

    /// <summary>The arguments that give an app node the same <c>--config</c> and <c>--set</c>, whatever its working
    /// directory. Access settings stay out: a node needs none, and every user of the machine can read command lines. A
    /// node inherits variables; the caller adds options.</summary>
    public IReadOnlyList<string> ToArguments() =>
    [
        .. ConfigFile is null ? Array.Empty<string>() : [ConfigOption, Path.GetFullPath(ConfigFile)],
        .. Assignments.Where(assignment => !assignment.TrimStart().StartsWith(AccessSection, StringComparison.Ordinal))
            .SelectMany(assignment => new[] { SetOption, assignment }),
    ];
}

/// <summary>The settings in a parameter on AWS. Not a record, because a record prints its text, which may contain
/// secrets.</summary>
/// <param name="name">The name of the parameter.</param>
/// <param name="text">The value of the parameter, as HOCON.</param>
public sealed class ParameterText(string name, string text)
{
    /// <summary>The name of the parameter.</summary>
    public string Name => name;

    /// <summary>The value of the parameter, as HOCON.</summary>
    public string Text => text;
}

/// <summary>A setting that has its own option.</summary>
/// <param name="Option">The option, as the user wrote it: <c>--data</c>.</param>
/// <param name="Key">The setting's full name.</param>
/// <param name="Value">Its value, literally.</param>
public sealed record OptionValue(string Option, string Key, string Value);
