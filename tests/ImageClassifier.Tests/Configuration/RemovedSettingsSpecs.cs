using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>A key of an earlier version is refused with its replacement, whatever its source.</summary>
public sealed class RemovedSettingsSpecs : IDisposable
{
    private const int MostKeys = 75;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string> Removed
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var (key, replacement) in RemovedSettings.Replacements) data.Add(key, replacement);
            return data;
        }
    }

    [Fact]
    public void The_number_of_settings_is_limited() =>
        Assert.InRange(ProgramSettings.AllKeys().Count, 1, MostKeys);

    [Fact]
    public void A_removed_setting_is_not_also_a_setting() =>
        Assert.Empty(ProgramSettings.AllKeys().Intersect(RemovedSettings.Replacements.Keys));

    [Theory]
    [MemberData(nameof(Removed))]
    public void A_removed_setting_in_a_file_names_what_replaced_it(string key, string replacement)
    {
        var file = _folder.Write("my.conf", $"{key} = 1");
        AssertRefused(new SettingsSources { ConfigFile = file }, key, replacement, $"--config {file}");
    }

    [Theory]
    [MemberData(nameof(Removed))]
    public void A_removed_setting_in_a_variable_names_what_replaced_it(string key, string replacement)
    {
        var variable = $"IMAGE_CLASSIFIER__{key["image-classifier.".Length..]}"
            .Replace(".", "__", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();
        AssertRefused(Sources.Variables((variable, "1")), key, replacement, $"the environment variable {variable}");
    }

    [Theory]
    [MemberData(nameof(Removed))]
    public void A_removed_setting_by_set_names_what_replaced_it(string key, string replacement) =>
        AssertRefused(Sources.Set($"{key}=1"), key, replacement, "--set");

    [Fact]
    public void A_group_of_removed_settings_is_refused_by_the_first_of_them()
    {
        var file = _folder.Write(
            "my.conf", "image-classifier.uploads.outbox { parallelism = 4, max-in-memory = 100 }");
        var wrong = Sources.Wrong(new SettingsSources { ConfigFile = file });
        Assert.Equal("image-classifier.uploads.outbox.parallelism", wrong.Key);
    }

    [Theory]
    [MemberData(nameof(NamedKeys))]
    public void Each_replacement_is_a_setting(string key) =>
        Assert.Contains(key, ProgramSettings.AllKeys());

    /// <summary>The settings that the replacements mention.</summary>
    public static TheoryData<string> NamedKeys =>
        [.. RemovedSettings.Replacements.Values
            .SelectMany(replacement => replacement.Split(' ', ',', ';', ':'))
            .Where(word => word.Contains('.', StringComparison.Ordinal))
            .Select(word => $"{KnownSettings.Root}.{word}")
            .Distinct()];

    private static void AssertRefused(SettingsSources sources, string key, string replacement, string origin)
    {
        var wrong = Sources.Wrong(sources);
        Assert.Equal(key, wrong.Key);
        Assert.Equal(
            $"{key} = {InvalidSettingException.Hidden} is not usable: this setting was removed: {replacement}; "
            + $"it comes from {origin}.", wrong.Message);
    }
}
