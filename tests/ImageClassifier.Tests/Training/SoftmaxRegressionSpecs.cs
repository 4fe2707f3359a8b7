using ImageClassifier.Training.Heads;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class SoftmaxRegressionSpecs
{
    [Fact]
    public void The_gradient_is_the_slope_of_the_loss()
    {
        var (rows, labels) = Clusters(classes: 3, features: 19, pictures: 21, spread: 1);
        var surface = new LossSurface(rows, labels, 3, decay: 0.1);
        var random = new Random(1);
        var point = Enumerable.Range(0, 3 * (19 + 1)).Select(_ => (float)random.NextDouble()).ToArray();
        var (gradient, unused) = (new float[point.Length], new float[point.Length]);
        surface.Evaluate(point, gradient, CancellationToken.None);

        for (var i = 0; i < point.Length; i++)
        {
            const float Step = 1e-2f;
            var at = point[i];
            point[i] = at + Step;
            var above = surface.Evaluate(point, unused, CancellationToken.None);
            point[i] = at - Step;
            var below = surface.Evaluate(point, unused, CancellationToken.None);
            point[i] = at;
            Assert.Equal((above - below) / (2 * Step), gradient[i], 1e-3);
        }
    }

    [Theory]
    [InlineData(2, 2)]
    [InlineData(7, 40)]
    [InlineData(20, 9)]
    public void Separate_classes_are_told_apart_on_new_pictures(int classes, int pictures)
    {
        var (rows, labels) = Clusters(classes, features: 37, pictures * classes, spread: 0.1);
        var head = Fit(rows, labels, classes);
        var (others, _) = Clusters(classes, features: 37, pictures * classes, spread: 0.1, seed: 9);
        Assert.All(others.Zip(labels), picture => Assert.Equal(picture.Second, Best(head.Logits(picture.First))));
    }

    [Fact]
    public void Training_ends_at_the_lowest_point()
    {
        var (rows, labels) = Clusters(classes: 3, features: 5, pictures: 300, spread: 1);
        var best = Loss(Fit(rows, labels, 3));
        var random = new Random(2);
        for (var trial = 0; trial < 200; trial++)
        {
            var head = Fit(rows, labels, 3);
            head.Weights[random.Next(3)][random.Next(5)] += (float)(random.NextDouble() - 0.5);
            Assert.True(Loss(head) > best - 1e-3);
        }

        double Loss(LinearHead head) => rows.Zip(labels).Average(picture =>
            -Math.Log(Softmax.Probabilities(head.Logits(picture.First), 1)[picture.Second]));
    }

    [Fact]
    public void The_same_pictures_give_the_same_head()
    {
        var (rows, labels) = Clusters(classes: 12, features: 33, pictures: 500, spread: 0.5);
        var (first, second) = (Fit(rows, labels, 12), Fit(rows, labels, 12));
        Assert.Equal(first.Bias, second.Bias);
        Assert.Equal(first.Weights, second.Weights);
    }

    [Fact]
    public void A_near_start_saves_steps_and_leads_to_the_same_head()
    {
        var (rows, labels) = Clusters(classes: 4, features: 16, pictures: 400, spread: 2);
        var (steps, stepsFromNear) = (0, 0);
        var head = SoftmaxRegression.Fit(rows, labels, 4, 1e-3, null, _ => steps++, CancellationToken.None);
        var again = SoftmaxRegression.Fit(rows, labels, 4, 1e-3, head, _ => stepsFromNear++, CancellationToken.None);
        Assert.InRange(stepsFromNear, 1, steps / 2);
        Assert.All(rows, row => Assert.All(
            Softmax.Probabilities(head.Logits(row), 1).Zip(Softmax.Probabilities(again.Logits(row), 1)),
            pair => Assert.Equal(pair.First, pair.Second, 0.1)));
    }

    [Fact]
    public void Cancellation_ends_the_training()
    {
        var (rows, labels) = Clusters(classes: 2, features: 3, pictures: 4, spread: 1);
        Assert.ThrowsAny<OperationCanceledException>(() => SoftmaxRegression.Fit(
            rows, labels, 2, 1e-4, start: null, _ => { }, new CancellationToken(canceled: true)));
    }

    private static LinearHead Fit(float[][] rows, int[] labels, int classes) =>
        SoftmaxRegression.Fit(rows, labels, classes, 1e-4, start: null, _ => { }, CancellationToken.None);

    /// <summary>Rows of length 1 around one centre for each class.</summary>
    private static (float[][] Rows, int[] Labels) Clusters(
        int classes, int features, int pictures, double spread, int seed = 3)
    {
        var places = new Random(4);
        var centres = Enumerable.Range(0, classes)
            .Select(_ => Enumerable.Range(0, features).Select(_ => places.NextDouble()).ToArray()).ToArray();
        var random = new Random(seed);
        int[] labels = [.. Enumerable.Range(0, pictures).Select(i => i % classes)];
        float[][] rows =
        [
            .. labels.Select(label =>
            {
                double[] row = [.. centres[label].Select(value => value + spread * (random.NextDouble() - 0.5))];
                var norm = Math.Sqrt(row.Sum(value => value * value));
                return row.Select(value => (float)(value / norm)).ToArray();
            }),
        ];
        return (rows, labels);
    }

    private static int Best(float[] logits) => Array.IndexOf(logits, logits.Max());
}
