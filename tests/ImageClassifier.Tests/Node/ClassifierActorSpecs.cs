using System.Text;
using Akka.Actor;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class ClassifierActorSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Predictions_are_in_order_and_pictures_are_disposed_of(int classifiers)
    {
        var classifier = Start(classifiers);
        classifier.Tell(Run([Decoded("cat"), Decoded("dog")]));

        var reply = await ExpectMsgAsync<PicturesClassified>();
        Assert.Equal(["cat", "dog"], reply.Predictions.Select(predictions => predictions![0].Label));
        await UntilAsync(() => Classifier.Undisposed == 0, "the pictures were disposed of");
    }

    [Fact]
    public async Task A_failed_run_is_repeated_with_each_picture_alone_and_the_next_run_succeeds()
    {
        var classifier = Start(1);
        classifier.Tell(Run([Decoded("dog"), Decoded(FakeImageClassifier.CrashesModel), Decoded("cat")]));
        classifier.Tell(Run([Decoded(FakeImageClassifier.CrashesModel)]));
        classifier.Tell(Run([Decoded("owl")]));

        Assert.Equal(["dog", null, "cat"], await LabelsAsync());
        Assert.Equal([null], await LabelsAsync());
        Assert.Equal(["owl"], await LabelsAsync());
        await UntilAsync(() => Classifier.Undisposed == 0, "the pictures were disposed of");
    }

    [Fact]
    public async Task A_cancelled_run_disposes_of_its_pictures_without_running()
    {
        Start(1).Tell(Run([Decoded("cat")], new CancellationToken(canceled: true)));

        await UntilAsync(() => Classifier.Undisposed == 0, "the picture was disposed of");
        Assert.Empty(Classifier.Batches);
    }

    [Fact]
    public async Task Several_classifiers_run_at_once()
    {
        using var both = new CountdownEvent(2);
        Classifier.WhileClassifying = _ =>
        {
            both.Signal();
            Assert.True(both.Wait(RealLimit));
        };
        var classifier = Start(2);
        classifier.Tell(Run([Decoded("cat")]));
        classifier.Tell(Run([Decoded("dog")]));

        await ExpectMsgAsync<PicturesClassified>();
        await ExpectMsgAsync<PicturesClassified>();
    }

    private async Task<IEnumerable<string?>> LabelsAsync() =>
        (await ExpectMsgAsync<PicturesClassified>()).Predictions.Select(predictions => predictions?[0].Label);

    private ClassifyPictures Run(IReadOnlyList<DecodedPicture> pictures, CancellationToken cancellation = default) =>
        new(Classifier, pictures, cancellation);

    private IActorRef Start(int classifiers) =>
        Sys.ActorOf(ClassifierActor.Props(Time, classifiers, Dispatcher));

    private DecodedPicture Decoded(string word) =>
        Assert.IsType<Decoding.Decoded>(Classifier.Decode(Encoding.UTF8.GetBytes(word))).Picture;
}
