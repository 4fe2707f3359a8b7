using ImageClassifier.Training.Heads;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class HeldOutSpecs
{
    [Fact]
    public void Each_class_has_a_picture_in_the_first_part_and_one_in_another()
    {
        int[] labels = [.. Enumerable.Range(0, 50).SelectMany(label => Enumerable.Repeat(label, 2 + label % 9))];
        var parts = HeldOut.Split(labels);
        foreach (var pictures in parts.Zip(labels).GroupBy(picture => picture.Second, picture => picture.First))
        {
            Assert.Contains(0, pictures);
            Assert.Contains(1, pictures);
            var counts = pictures.CountBy(part => part).Select(part => part.Value).ToArray();
            Assert.InRange(counts.Max() - counts.Min(), 0, 1);
        }
    }

    [Fact]
    public void Each_picture_is_held_out_once_and_never_trained_with()
    {
        int[] labels = [.. Enumerable.Range(0, 40).Select(i => i % 4)];
        float[][] rows = [.. labels.Select((_, i) => new float[] { i })];
        var kept = new List<float[][]>();
        var heldOut = HeldOut.Measure(rows, labels, 4, (some, _, round) =>
        {
            kept.Add([.. some]);
            return new LinearHead([[round], [0], [0], [0]], [0, 0, 0, 0]);
        });

        Assert.Equal(Enumerable.Range(0, 40), heldOut.Pictures);
        Assert.Equal(HeldOut.Parts, kept.Count);
        for (var i = 1; i < 40; i++)
        {
            // The first logit is the round times the number of the picture.
            var round = (int)(heldOut.Logits[i][0] / i);
            Assert.DoesNotContain(rows[i], kept[round]);
        }
    }

    [Fact]
    public void Many_pictures_are_measured_in_one_round()
    {
        Assert.Equal(HeldOut.Parts, HeldOut.RoundsFor(pictures: 1_000, classes: 20));
        Assert.Equal(1, HeldOut.RoundsFor(pictures: 40_000, classes: 200));
    }
}
