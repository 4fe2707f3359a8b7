using ImageClassifier.Training.Heads;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class CalibrationSpecs
{
    [Theory]
    [InlineData(0.5)]
    [InlineData(1)]
    [InlineData(4)]
    public void The_temperature_of_the_logits_is_found(double temperature)
    {
        var random = new Random(1);
        var logits = new List<float[]>();
        var labels = new List<int>();
        for (var i = 0; i < 20_000; i++)
        {
            float[] row = [.. Enumerable.Range(0, 4).Select(_ => (float)(random.NextDouble() * 6 * temperature))];
            logits.Add(row);
            labels.Add(Draw(Softmax.Probabilities(row, temperature), random.NextDouble()));
        }

        Assert.Equal(1, Calibration.Temperature(logits, labels) / temperature, 0.05);
    }

    [Fact]
    public void A_head_without_a_mistake_does_not_become_certain()
    {
        var logits = Enumerable.Range(0, 20).Select(i => i % 2 == 0 ? new float[] { 3, 0 } : [0, 3]).ToArray();
        var labels = Enumerable.Range(0, 20).Select(i => i % 2).ToArray();
        var temperature = Calibration.Temperature(logits, labels);
        Assert.InRange(Softmax.Probabilities(logits[0], temperature)[0], 0.9, 0.97);
    }

    private static int Draw(float[] probabilities, double number)
    {
        var label = 0;
        for (; label < probabilities.Length - 1 && number >= probabilities[label]; label++) number -= probabilities[label];
        return label;
    }
}
