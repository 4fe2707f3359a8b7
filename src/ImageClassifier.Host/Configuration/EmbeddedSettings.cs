using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>The settings of the embedded environment.</summary>
/// <param name="DataFolder">The folder of queues, pictures, results and logs, as an absolute path. It may not exist
/// yet.</param>
/// <param name="Retention">Data older than this is deleted.</param>
public sealed record EmbeddedSettings(string DataFolder, TimeSpan Retention)
{
    /// <summary>Reads <c>image-classifier.embedded</c>. A relative folder starts at the working directory.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong.</exception>
    public static EmbeddedSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.embedded");
        return new EmbeddedSettings(
            DataFolderOf(section.Text("data")),
            // Data that is less than an hour old may still be in use.
            section.Duration("retention", TimeSpan.FromHours(1), TimeSpan.FromDays(3650)));
    }

    private static string DataFolderOf(string text)
    {
        if (text.Length == 0) return DefaultDataFolder();
        if (text.Contains('\0')) throw new InvalidSettingException(EmbeddedLayout.DataFolderKey, text, "it is no path");
        var folder = Path.GetFullPath(text);
        if (text.Contains('\uFFFD') && !Directory.Exists(folder))
        {
            throw new InvalidSettingException(
                EmbeddedLayout.DataFolderKey,
                text,
                "its name is not valid UTF-8, so the folder cannot be opened; rename the folder");
        }

        return File.Exists(folder)
            ? throw new InvalidSettingException(
                EmbeddedLayout.DataFolderKey, text, "it is a file, and must be a folder")
            : folder;
    }

    private static string DefaultDataFolder()
    {
        var applications = Environment.GetFolderPath(
            Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return applications.Length > 0
            ? Path.Combine(applications, "image-classifier")
            : throw new InvalidSettingException(
                EmbeddedLayout.DataFolderKey,
                null,
                "this user has no folder for application data, so it must be given, say with --data");
    }
}
