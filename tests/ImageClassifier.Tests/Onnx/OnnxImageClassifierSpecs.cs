using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class OnnxImageClassifierSpecs : IDisposable
{
    private readonly TestModel _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void A_picture_is_classified_by_the_model_of_the_directory()
    {
        using var classifier = _model.Write().Load();

        var predictions = Assert.Single(classifier.Classify([Decoded(classifier, SKColors.Lime)]));

        Assert.Equal("channels", classifier.Model.Name);
        Assert.Equal("green", predictions[0].Label);
        Assert.Equal(1 / (1 + 2 / Math.E), predictions[0].Probability, 6);
        Assert.Equal(1, predictions.Sum(prediction => prediction.Probability), 12);
    }

    [Fact]
    public void A_model_with_channels_last_gets_channels_last()
    {
        _model.Json = _model.Json.Replace("NCHW", "NHWC", StringComparison.Ordinal);
        _model.InputShape = [-1, TestModel.Side, TestModel.Side, 3];
        _model.MeanOver = [1, 2];
        using var classifier = _model.Write().Load();

        Assert.Equal("blue", TopLabel(classifier, SKColors.Blue));
    }

    [Fact]
    public void Probabilities_of_the_model_are_returned_unchanged()
    {
        _model.Json = _model.Json.Replace(
            "\"kind\": \"logits\"", "\"kind\": \"probabilities\"", StringComparison.Ordinal);
        _model.HasSoftmax = true;
        using var classifier = _model.Write().Load();

        var predictions = classifier.Classify([Decoded(classifier, SKColors.Red)])[0];

        Assert.Equal(["red", "green", "blue"], predictions.Select(prediction => prediction.Label));
        Assert.Equal(1 / (1 + 2 / Math.E), predictions[0].Probability, 1e-6);
        Assert.Equal(1 / (2 + Math.E), predictions[1].Probability, 1e-6);
    }

    [Fact]
    public void A_free_batch_axis_allows_batches_of_the_settings_size()
    {
        using var classifier = _model.Write().Load(maxBatch: 3);

        Assert.Equal(3, classifier.PreferredBatchSize);
        Assert.Equal(
            ["red", "green", "blue"],
            classifier.Classify(
                [
                    Decoded(classifier, SKColors.Red), Decoded(classifier, SKColors.Lime),
                    Decoded(classifier, SKColors.Blue),
                ]).Select(predictions => predictions[0].Label));
    }

    [Fact]
    public void A_batch_axis_fixed_at_one_makes_batches_of_one()
    {
        _model.InputShape = [1, 3, TestModel.Side, TestModel.Side];
        using var classifier = _model.Write().Load(maxBatch: 8);

        Assert.Equal(1, classifier.PreferredBatchSize);
        Assert.Equal("blue", TopLabel(classifier, SKColors.Blue));
        Assert.Equal("red", TopLabel(classifier, SKColors.Red));
    }

    [Fact]
    public void The_axes_of_width_and_height_may_be_free()
    {
        _model.InputShape = [-1, 3, -1, -1];
        using var classifier = _model.Write().Load();

        Assert.Equal("red", TopLabel(classifier, SKColors.Red));
    }

    [Fact]
    public void Too_few_too_many_and_foreign_pictures_are_refused()
    {
        using var classifier = _model.Write().Load(maxBatch: 2);
        using var other = _model.Load();
        using var own = Decoded(classifier, SKColors.Red);

        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Classify([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => classifier.Classify([own, own, own]));
        Assert.Throws<ArgumentException>(() => classifier.Classify([Decoded(other, SKColors.Red)]));
    }

    [Fact]
    public void A_disposed_picture_is_not_classified()
    {
        using var classifier = _model.Write().Load();
        var picture = Decoded(classifier, SKColors.Red);
        picture.Dispose();
        picture.Dispose();

        Assert.Throws<ObjectDisposedException>(() => classifier.Classify([picture]));
    }

    [Fact]
    public void Returned_memory_is_rented_once()
    {
        using var classifier = _model.Write().Load();
        var first = Decoded(classifier, SKColors.Red);
        first.Dispose();
        first.Dispose();

        using var red = Decoded(classifier, SKColors.Red);
        using var blue = Decoded(classifier, SKColors.Blue);

        Assert.Equal("red", classifier.Classify([red])[0][0].Label);
        Assert.Equal("blue", classifier.Classify([blue])[0][0].Label);
    }

    [Fact]
    public async Task Runs_under_way_end_before_their_memory_is_freed()
    {
        for (var round = 0; round < 6; round++)
        {
            var classifier = _model.Write().Load();
            using var running = new CountdownEvent(4);
            var runs = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                using var picture = Decoded(classifier, SKColors.Red);
                Assert.Equal("red", classifier.Classify([picture])[0][0].Label);
                running.Signal();
                Assert.Throws<ObjectDisposedException>(RunOn);

                void RunOn()
                {
                    while (true) Assert.Equal("red", classifier.Classify([picture])[0][0].Label);
                }
            })).ToArray();
            running.Wait();
            classifier.Dispose();
            await Task.WhenAll(runs);
        }
    }

    [Fact]
    public void A_picture_can_outlive_its_classifier()
    {
        var classifier = _model.Write().Load();
        var picture = Decoded(classifier, SKColors.Red);
        classifier.Dispose();

        picture.Dispose();
    }

    [Fact]
    public void A_refusal_is_a_value()
    {
        using var classifier = _model.Write().Load(maxPixels: 100);
        using var large = TestPictures.Plain(11, 10, SKColors.Red);

        var refused = Assert.IsType<Decoding.Refused>(classifier.Decode(TestPictures.Png(large)));

        Assert.Equal(JobErrorCodes.TooManyPixels, refused.Error.Code);
    }

    [Theory]
    [InlineData(0, 1, 1, 1, 1)]
    [InlineData(1, 0, 1, 1, 1)]
    [InlineData(1, 1, 0, 1, 1)]
    [InlineData(1, 1, 1, 0, 1)]
    [InlineData(1, 1, 1, 1, 0)]
    public void Settings_below_one_are_refused(
        int maxBatch, int threads, long maxPixels, long maxMemory, int seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => OnnxImageClassifier.Load(new OnnxClassifierSettings(
            "any", maxBatch, threads, new DecodingLimits(maxPixels, maxMemory, TimeSpan.FromSeconds(seconds)))));

    [SkippableFact]
    public void A_batch_gives_the_same_predictions_as_single_pictures()
    {
        using var classifier = Small(maxBatch: 5);
        var pictures = DrawnPictures(classifier, 5);

        var alone = pictures.Select(picture => classifier.Classify([picture])[0]).ToList();
        var together = classifier.Classify(pictures);

        for (var i = 0; i < pictures.Count; i++) AssertSame(alone[i], together[i]);
        pictures.ForEach(picture => picture.Dispose());
    }

    [SkippableFact]
    public async Task Many_threads_at_once_get_the_same_predictions_as_one()
    {
        using var classifier = Small(maxBatch: 3);
        var files = Enumerable.Range(0, 6).Select(DrawnFile).ToArray();
        var expected = files.Select(file => Answer(classifier, file)).ToArray();

        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < 12; i++)
                {
                    var picks = Enumerable.Range(0, 1 + (i + thread) % 3).Select(k => (i + thread + k) % files.Length)
                        .ToArray();
                    var pictures = picks.Select(pick => Decode(classifier, files[pick])).ToArray();
                    var answers = classifier.Classify(pictures);
                    for (var k = 0; k < picks.Length; k++) AssertSame(expected[picks[k]], answers[k]);
                    foreach (var picture in pictures) picture.Dispose();
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
    }

    [SkippableFact]
    public void Managed_memory_does_not_grow_with_the_picture()
    {
        using var classifier = Small(maxBatch: 1);
        using var photo = TestPictures.Gradient(1600, 1200);
        foreach (var file in new[] { TestPictures.Jpeg(photo), TestPictures.Png(photo) })
        {
            for (var i = 0; i < 3; i++) Answer(classifier, file);

            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 5; i++) Answer(classifier, file);
            var each = (GC.GetAllocatedBytesForCurrentThread() - before) / 5;

            // A tensor of this model takes 48 KiB, the decoded photo 7.3 MiB.
            Assert.InRange(each, 0, 16 * 1024);
        }
    }

    private static OnnxImageClassifier Small(int maxBatch) =>
        OnnxImageClassifier.Load(new OnnxClassifierSettings(SmallModel.Folder, maxBatch, 1, TestModel.Limits(100_000_000)));

    private static byte[] DrawnFile(int index)
    {
        using var picture = TestPictures.Noise(90 + 40 * index, 120);
        return TestPictures.Png(picture);
    }

    private static List<DecodedPicture> DrawnPictures(OnnxImageClassifier classifier, int count) =>
        [.. Enumerable.Range(0, count).Select(index => Decode(classifier, DrawnFile(index)))];

    private static DecodedPicture Decode(OnnxImageClassifier classifier, byte[] file) =>
        Assert.IsType<Decoding.Decoded>(classifier.Decode(file)).Picture;

    private static IReadOnlyList<Prediction> Answer(OnnxImageClassifier classifier, byte[] file)
    {
        using var picture = Decode(classifier, file);
        return classifier.Classify([picture])[0];
    }

    private static DecodedPicture Decoded(OnnxImageClassifier classifier, SKColor color)
    {
        using var picture = TestPictures.Plain(12, 10, color);
        return Decode(classifier, TestPictures.Png(picture));
    }

    private static string TopLabel(OnnxImageClassifier classifier, SKColor color)
    {
        using var picture = Decoded(classifier, color);
        return classifier.Classify([picture])[0][0].Label;
    }

    private static void AssertSame(IReadOnlyList<Prediction> expected, IReadOnlyList<Prediction> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            Assert.Equal(expected[i].Index, actual[i].Index);
            Assert.Equal(expected[i].Probability, actual[i].Probability, 1e-5);
        }
    }
}
