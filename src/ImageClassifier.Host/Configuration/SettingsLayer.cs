using Akka.Configuration;
using Akka.Configuration.Hocon;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;

namespace ImageClassifier.Host.Configuration;

/// <summary>Settings from one source.</summary>
/// <param name="Origin">The name of the source in messages: <c>--set</c>, or the name of a file.</param>
/// <param name="Config">The settings.</param>
internal sealed record SettingsLayer(string Origin, Config Config)
{
    /// <summary>Reads a HOCON file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="origin">The name of the file in messages.</param>
    /// <param name="option">The setting or option that a message names if the file is missing or wrong.</param>
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

    /// <summary>Reads HOCON from a parameter on AWS. It may contain secrets, so messages do not quote it.</summary>
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

        // A secret alone parses as a key, and the message about an unknown key would show it.
        if (config.IsEmpty || !config.HasPath(KnownSettings.Root))
        {
            throw new InvalidSettingException(SettingsParameter.Key, parameter.Name,
                $"its value has no setting; write HOCON, such as {KnownSettings.Root}.access.keys.NAME = …");
        }

        return new SettingsLayer(origin, config);
    }

    /// <summary>One setting. The value is taken literally and never parsed, so it may contain any characters.</summary>
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
