using System.Collections;

namespace ImageClassifier.Host.Configuration;

/// <summary>What the user says about settings, from the weakest source to the strongest.</summary>
public sealed record SettingsSources
{
    /// <summary>The option that names a settings file.</summary>
    public const string ConfigOption = "--config";

    /// <summary>The option that gives one setting.</summary>
    public const string SetOption = "--set";

    private const string AccessSection = "image-classifier.access";

    /// <summary>The file given by <c>--config</c>; null where none is given.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>The settings kept on AWS; null if there are none, or before they are read.</summary>
    public ParameterText? Parameter { get; init; }

    /// <summary>The environment's variables; those that begin with <c>IMAGE_CLASSIFIER__</c> are settings.</summary>
    public IReadOnlyDictionary<string, string> EnvironmentVariables { get; init; } = new Dictionary<string, string>();

    /// <summary>What <c>--set</c> gave, each as <c>key=value</c>; the later of two wins.</summary>
    public IReadOnlyList<string> Assignments { get; init; } = [];

    /// <summary>Settings that have an option of their own, which is stronger than anything else.</summary>
    public IReadOnlyList<OptionValue> Options { get; init; } = [];

    /// <summary>The variables of this process.</summary>
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

/// <summary>Settings that AWS keeps. Not a record: a record prints its text, which may hold secrets.</summary>
/// <param name="name">The parameter's name.</param>
/// <param name="text">Its value, HOCON.</param>
public sealed class ParameterText(string name, string text)
{
    /// <summary>The parameter's name.</summary>
    public string Name => name;

    /// <summary>Its value, HOCON.</summary>
    public string Text => text;
}

/// <summary>A setting given by an option of its own.</summary>
/// <param name="Option">The option, as the user wrote it: <c>--data</c>.</param>
/// <param name="Key">The setting's full name.</param>
/// <param name="Value">Its value, literally.</param>
public sealed record OptionValue(string Option, string Key, string Value);
