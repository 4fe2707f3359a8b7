using ImageClassifier.Tests.Configuration;
using ImageClassifier.Training.Reports;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class ConfusionChartSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(30)]
    [InlineData(1000)]
    public void The_picture_has_a_title_and_a_cell_for_each_answer(int classes)
    {
        var matrix = new ConfusionMatrix([.. Enumerable.Range(0, classes).Select(i => $"a rather long name of class {i}")]);
        for (var label = 0; label < classes; label++) matrix.Add(label, label);
        matrix.Add(0, classes - 1);
        var file = Path.Combine(_folder.Path, "confusion.png");
        ConfusionChart.Write(file, matrix);

        using var picture = SKBitmap.Decode(file);
        Assert.InRange(picture.Width, 600, 5000);
        Assert.True(Count(picture, color => color is { Red: < 60, Green: < 60, Blue: < 60 }) > 300, "no text");
        Assert.True(Count(picture, color => color.Blue > color.Red + 60) > classes, "no right answers");
        Assert.True(Count(picture, color => color.Red > color.Blue + 60) > 4, "no wrong answer");
    }

    private static int Count(SKBitmap picture, Func<SKColor, bool> isWanted) => picture.Pixels.Count(isWanted);
}
