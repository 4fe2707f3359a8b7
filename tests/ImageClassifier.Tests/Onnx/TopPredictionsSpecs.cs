using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Contract;
using Xunit;

namespace ImageClassifier.Tests.Onnx;

public sealed class TopPredictionsSpecs
{
    private static readonly string[] Labels = [.. Enumerable.Range(0, 100).Select(i => $"class {i}")];

    [Fact]
    public void The_five_largest_are_returned_in_order()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var random = new Random(seed);
            var scores = Enumerable.Range(0, 100).Select(_ => (float)random.Next(40)).ToArray();

            var top = TopPredictions.Of(scores, OutputKind.Logits, Labels);

            var expected = scores.Select((score, index) => (score, index)).OrderByDescending(s => s.score)
                .ThenBy(s => s.index).Take(5).Select(s => s.index);
            Assert.Equal(expected, top.Select(prediction => prediction.Index));
            Assert.All(top, prediction => Assert.Equal(Labels[prediction.Index], prediction.Label));
        }
    }

    [Fact]
    public void Logits_become_probabilities_by_softmax()
    {
        var top = TopPredictions.Of([1f, 3f, 2f], OutputKind.Logits, Labels);

        var sum = Math.Exp(1) + Math.Exp(2) + Math.Exp(3);
        Assert.Equal([1, 2, 0], top.Select(prediction => prediction.Index));
        Assert.Equal(Math.Exp(3) / sum, top[0].Probability, 12);
        Assert.Equal(1, top.Sum(prediction => prediction.Probability), 12);
    }

    [Fact]
    public void Huge_logits_do_not_overflow()
    {
        var top = TopPredictions.Of([3e38f, -3e38f, 3e38f], OutputKind.Logits, Labels);

        Assert.Equal([0.5, 0.5, 0], top.Select(prediction => prediction.Probability));
    }

    [Fact]
    public void Probabilities_stay_as_they_are()
    {
        var top = TopPredictions.Of([0.25f, 0.75f], OutputKind.Probabilities, Labels);

        Assert.Equal([0.75, 0.25], top.Select(prediction => prediction.Probability));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_number_that_is_not_finite_is_an_error(float broken) =>
        Assert.Throws<InvalidOperationException>(() => TopPredictions.Of([1, broken], OutputKind.Logits, Labels));

    [Theory]
    [InlineData(14.5f, -13.5f)]
    [InlineData(14.5f, 0f)]
    [InlineData(0.5f, 0.4f)]
    [InlineData(0f, 0f)]
    [InlineData(float.NaN, 1f)]
    public void Numbers_that_are_not_probabilities_are_an_error(float first, float second)
    {
        float[] scores = [first, second];
        Assert.Throws<InvalidOperationException>(
            () => TopPredictions.Of(scores, OutputKind.Probabilities, Labels));
    }

    [Fact]
    public void Rounded_probabilities_stay_between_0_and_1()
    {
        var top = TopPredictions.Of([1.01f, -0.005f], OutputKind.Probabilities, Labels);

        Assert.Equal([1, 0], top.Select(prediction => prediction.Probability));
    }

    [Fact]
    public void Classes_before_the_first_are_no_answers_but_have_their_share()
    {
        string[] labels = ["cat", "dog"];
        var logits = TopPredictions.Of([900f, 0f, 899f], OutputKind.Logits, labels, firstClass: 1);
        var probabilities = TopPredictions.Of([0.7f, 0.1f, 0.2f], OutputKind.Probabilities, labels, firstClass: 1);

        Assert.Equal((1, "dog"), (logits[0].Index, logits[0].Label));
        Assert.Equal(1 / (1 + Math.E), logits[0].Probability, 1e-12);
        Assert.Equal((1, "dog"), (probabilities[0].Index, probabilities[0].Label));
        Assert.Equal(0.2, probabilities[0].Probability, 1e-6);
        Assert.Throws<InvalidOperationException>(
            () => TopPredictions.Of([float.NaN, 1f], OutputKind.Logits, ["cat"], firstClass: 1));
    }
}
