using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Intake;

namespace ImageClassifier.Streams.Settings;

/// <summary>Which picture files the service takes, from whatever place: part of <c>image-classifier.uploads</c>.</summary>
/// <param name="Formats">The accepted picture formats.</param>
/// <param name="MaxFileSize">Maximum size of a picture in bytes.</param>
public sealed record IntakeSettings(AllowedFormats Formats, long MaxFileSize)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A setting is missing or wrong.</exception>
    public static IntakeSettings Create(Config config)
    {
        var uploads = new SettingsSection(config, "image-classifier.uploads");
        return new IntakeSettings(ReadFormats(uploads), uploads.Bytes("max-file-size", 1 << 10, 1 << 30));
    }

    private static AllowedFormats ReadFormats(SettingsSection uploads)
    {
        const string key = "formats";
        var known = Enum.GetValues<PictureFormat>()
            .ToDictionary(format => PictureFormats.Name(format).ToLowerInvariant());
        var words = uploads.Words(key);
        return words.Count > 0 && words.All(known.ContainsKey)
            ? new AllowedFormats([.. words.Select(word => known[word])])
            : throw uploads.Invalid(key, $"one or more of {string.Join(", ", known.Keys)}, separated by commas");
    }
}
