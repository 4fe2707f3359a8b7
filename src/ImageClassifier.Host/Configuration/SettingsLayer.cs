using Akka.Configuration;
using Akka.Configuration.Hocon;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Configuration;

/// <summary>Settings from one place.</summary>
/// <param name="Origin">The place, as the user knows it: <c>--set</c>, or a file's name.</param>
/// <param name="Config">The settings.</param>
internal sealed record SettingsLayer(string Origin, Config Config)
{
    /// <summary>Reads a HOCON file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="origin">What messages call it.</param>
    /// <param name="option">The setting or option that a message blames if the file is missing or wrong.</param>
    public static SettingsLayer FromFile(string path, string origin, string option)
    {
        try
        {
            return new SettingsLayer(origin, HoconText.Parse(File.ReadAllText(path)));
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidSettingException(option, path, "there is no such file", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new InvalidSettingException(option, path, $"it cannot be read ({Sentence(failure)})", failure);
        }
        catch (FormatException failure)
        {
            throw new InvalidSettingException(option, path, $"it is not HOCON ({Sentence(failure)})", failure);
        }
    }

    /// <summary>Reads HOCON that AWS keeps. It may hold secrets, so no message quotes it.</summary>
    public static SettingsLayer FromParameter(ParameterText parameter)
    {
        var origin = $"the SSM parameter {parameter.Name}";
        try
        {
            HoconText.CheckShape(parameter.Text);
        }
        catch (FormatException failure)
        {
            throw new InvalidSettingException(
                SettingsParameter.Key, parameter.Name, $"its value is not HOCON ({Sentence(failure)})");
        }

        Config config;
        try
        {
            config = HoconText.Parse(parameter.Text);
        }
        catch (FormatException)
        {
            // The parser's message quotes the text.
            throw new InvalidSettingException(SettingsParameter.Key, parameter.Name, "its value is not HOCON");
        }

        // A bare secret parses as a name, which a message about an unknown setting would show.
        if (config.IsEmpty || !config.HasPath(KnownSettings.Root))
        {
            throw new InvalidSettingException(SettingsParameter.Key, parameter.Name,
                $"its value has no setting; write HOCON, such as {KnownSettings.Root}.access.keys.NAME = …");
        }

        return new SettingsLayer(origin, config);
    }

    /// <summary>One setting. The value is taken as it is and never parsed, so it may have any characters.</summary>
    public static SettingsLayer FromValue(string origin, string key, string value)
    {
        IHoconElement element = new HoconLiteral { Value = value };
        foreach (var name in key.Split('.').Reverse())
        {
            var parent = new HoconObject();
            parent.GetOrCreateKey(name).NewValue(element);
            element = parent;
        }

        var root = new HoconValue();
        root.NewValue(element);
        return new SettingsLayer(origin, new Config(new HoconRoot(root)));
    }

    private static string Sentence(Exception failure) =>
        failure.Message.ReplaceLineEndings(" ").TrimEnd().TrimEnd('.');
}
