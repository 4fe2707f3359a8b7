using ImageClassifier.Core;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Supervision;
using Xunit;

namespace ImageClassifier.Tests.Web.Supervision;

public sealed class WebTierSettingsSpecs
{
    private const string Key = "image-classifier.results.lost-after";

    [Fact]
    public void A_job_counts_as_lost_no_sooner_than_it_can_have_been_under_way()
    {
        // A lease of 30 s for each of five receives and one more.
        var wrong = Assert.Throws<InvalidSettingException>(() => WebTierSettings.Create(Sources.With($"{Key}=180s")));
        Assert.Equal(Key, wrong.Key);
        Assert.Contains("00:03:00", wrong.Message, StringComparison.Ordinal);

        var settings = WebTierSettings.Create(Sources.With($"{Key}=181s"));
        Assert.Equal(TimeSpan.FromSeconds(181), settings.Results.Lost.LostAfter);
    }
}
