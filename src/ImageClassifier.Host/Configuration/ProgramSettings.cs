using Akka.Configuration;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>Combines the layers of settings before anything else starts. Later wins: <c>reference.conf</c>, the
/// environment's file, the file of <c>--config</c>, the parameter on AWS, environment variables, <c>--set</c>, and
/// options such as <c>--data</c>. The user's layers are read first, because only they choose the environment.</summary>
public static class ProgramSettings
{
    internal const string VariablePrefix = "IMAGE_CLASSIFIER__";

    /// <summary>The folder of the program's settings files.</summary>
    public static string BundledFolder { get; } = Path.Combine(AppContext.BaseDirectory, "hocon");

    /// <summary>The settings of a process.</summary>
    /// <param name="sources">The user's settings.</param>
    /// <exception cref="InvalidSettingException">A file is missing or not HOCON, an assignment is malformed, a key is
    /// unknown, or a group is in place of a value. The class that reads a value checks its limits.</exception>
    public static Config Load(SettingsSources sources)
    {
        var reference = Bundled("reference");
        var known = new KnownSettings(reference.Config);
        var fromUser = FromUser(known, sources);
        // Each environment has a file of its name.
        var ofEnvironment = Bundled(EnvironmentSettings.NameIn(Together([reference, .. fromUser])));
        known.Check(ofEnvironment);
        return Together([reference, ofEnvironment, .. fromUser]);
    }

    /// <summary>The user's settings without the parameter on AWS.</summary>
    /// <exception cref="InvalidSettingException">As for <see cref="Load"/>.</exception>
    internal static Config LoadWithoutParameter(SettingsSources sources)
    {
        var reference = Bundled("reference");
        var known = new KnownSettings(reference.Config);
        return Together([reference, .. FromUser(known, sources with { Parameter = null })]);
    }

    /// <summary>The full names of all settings in <c>reference.conf</c>.</summary>
    internal static IReadOnlyCollection<string> AllKeys() => new KnownSettings(Bundled("reference").Config).Values;

    /// <summary>The default of a text setting.</summary>
    internal static string DefaultOf(string key) => Bundled("reference").Config.GetString(key);

    private static SettingsLayer[] FromUser(KnownSettings known, SettingsSources sources)
    {
        SettingsLayer[] layers =
        [
            .. FromConfigFile(sources), .. FromParameter(sources), .. FromVariables(sources),
            .. FromAssignments(sources), .. FromOptions(sources),
        ];
        foreach (var layer in layers) known.Check(layer);
        return layers;
    }

    private static Config Together(IEnumerable<SettingsLayer> layers) =>
        layers.Select(layer => layer.Config).Aggregate((below, above) => above.WithFallback(below));

    private static SettingsLayer Bundled(string name) =>
        SettingsLayer.FromFile(Path.Combine(BundledFolder, $"{name}.conf"), $"hocon/{name}.conf", "the program's own file");

    private static IEnumerable<SettingsLayer> FromConfigFile(SettingsSources sources)
    {
        if (sources.ConfigFile is { } file)
            yield return SettingsLayer.FromFile(file, $"{SettingsSources.ConfigOption} {file}", SettingsSources.ConfigOption);
    }

    private static IEnumerable<SettingsLayer> FromParameter(SettingsSources sources)
    {
        if (sources.Parameter is not { } parameter) yield break;
        var layer = SettingsLayer.FromParameter(parameter);
        if (layer.Config.HasPath(SettingsParameter.Key))
        {
            throw new InvalidSettingException(SettingsParameter.Key, InvalidSettingException.Hidden,
                $"a parameter cannot name another; it comes from {layer.Origin}");
        }

        yield return layer;
    }

    private static IEnumerable<SettingsLayer> FromVariables(SettingsSources sources) =>
        from variable in sources.EnvironmentVariables
        where variable.Key.StartsWith(VariablePrefix, StringComparison.Ordinal)
        orderby variable.Key
        select SettingsLayer.FromValue(
            $"the environment variable {variable.Key}", KeyOf(variable.Key), variable.Value);

    private static string KeyOf(string variable)
    {
        var names = variable[VariablePrefix.Length..].Split("__").Select(name =>
            name.Length > 0
                ? name.Replace('_', '-').ToLowerInvariant()
                : throw new InvalidSettingException(
                    variable, InvalidSettingException.Hidden, "two underscores stand for the dot between two names"));
        return $"{KnownSettings.Root}.{string.Join('.', names)}";
    }

    private static IEnumerable<SettingsLayer> FromAssignments(SettingsSources sources) =>
        sources.Assignments.Select(assignment =>
        {
            var parts = assignment.Split('=', 2);
            if (parts.Length != 2 || parts[0].Split('.').Any(string.IsNullOrWhiteSpace))
            {
                throw new InvalidSettingException(
                    SettingsSources.SetOption, InvalidSettingException.Hidden, "write it as key=value");
            }

            return SettingsLayer.FromValue(SettingsSources.SetOption, parts[0].Trim(), parts[1]);
        });

    private static IEnumerable<SettingsLayer> FromOptions(SettingsSources sources) =>
        sources.Options.Select(option => SettingsLayer.FromValue(option.Option, option.Key, option.Value));
}
