using ImageClassifier.EndToEnd.Pictures;
using Xunit;

namespace ImageClassifier.EndToEnd;

/// <summary>A picture that kills every node that decodes it.</summary>
public sealed class DeadlyPictureSpecs
{
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task It_fails_alone_and_can_be_redriven_when_it_kills_no_more(int place)
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        await new DeadlyPictureStory(data, ["queues.requests.lease=2s"], ["--data", data]).RunAsync(place);
    }
}
