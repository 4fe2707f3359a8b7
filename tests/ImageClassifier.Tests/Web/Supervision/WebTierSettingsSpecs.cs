using ImageClassifier.Core;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Repeats;
using ImageClassifier.Web.Supervision;
using Xunit;

namespace ImageClassifier.Tests.Web.Supervision;

public sealed class WebTierSettingsSpecs
{
    // The queue allows 20 receives: four for each of the five tries.
    [Theory]
    [InlineData("30s", "15m", 15 * 60)]
    [InlineData("30s", "10s", 20 * 30)]
    [InlineData("10m", "15m", 20 * 600)]
    public void A_job_counts_as_lost_only_after_all_its_receives(string lease, string lostAfter, int seconds)
    {
        var settings = WebTierSettings.Create(Sources.With(
            $"image-classifier.queues.requests.lease={lease}",
            $"image-classifier.results.lost-after={lostAfter}"));
        Assert.Equal(TimeSpan.FromSeconds(seconds), settings.Lost.LostAfter);
    }

    [Theory]
    [InlineData("jpeg, png", "JPEG or PNG")]
    [InlineData("webp,png", "PNG or WebP")]
    [InlineData("jpeg", "JPEG")]
    public void The_accepted_formats_can_be_set(string formats, string names)
    {
        var settings = WebTierSettings.Create(Sources.With($"image-classifier.uploads.formats={formats}"));
        Assert.Equal(names, settings.Uploads.Formats.Names);
    }

    [Theory]
    [InlineData("off", RepeatSharing.Off)]
    [InlineData("own-key", RepeatSharing.OwnKey)]
    [InlineData("all-keys", RepeatSharing.AllKeys)]
    public void Whose_uploads_answer_repeats_can_be_set(string value, RepeatSharing sharing)
    {
        Assert.Equal(RepeatSharing.OwnKey, WebTierSettings.Create(Sources.With()).Uploads.Repeats);
        var settings = WebTierSettings.Create(Sources.With($"image-classifier.uploads.repeats={value}"));
        Assert.Equal(sharing, settings.Uploads.Repeats);
    }

    [Fact]
    public void Another_word_for_whose_uploads_answer_repeats_is_refused()
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => WebTierSettings.Create(Sources.With("image-classifier.uploads.repeats=on")));
        Assert.Equal("image-classifier.uploads.repeats", failure.Key);
        Assert.Contains("off, own-key, all-keys", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("jpeg, heic")]
    [InlineData("JPEG")]
    public void An_unknown_format_is_refused_with_a_list_of_the_known_ones(string formats)
    {
        var failure = Assert.Throws<InvalidSettingException>(
            () => WebTierSettings.Create(Sources.With($"image-classifier.uploads.formats={formats}")));
        Assert.Equal("image-classifier.uploads.formats", failure.Key);
        Assert.Contains("jpeg, png, webp", failure.Message, StringComparison.Ordinal);
    }
}
