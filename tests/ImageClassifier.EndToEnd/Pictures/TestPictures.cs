using System.Text.Json;
using ImageClassifier.Testing;
using SkiaSharp;

namespace ImageClassifier.EndToEnd.Pictures;

/// <summary>A picture to upload.</summary>
/// <param name="Name">Its file name.</param>
/// <param name="Bytes">Its bytes.</param>
/// <param name="ExpectedIndex">The class that the default model must return; null if any class is right.</param>
public sealed record TestPicture(string Name, byte[] Bytes, int? ExpectedIndex);

/// <summary>The sample pictures beside the repository. Without them, pictures that are drawn here.</summary>
public static class TestPictures
{
    private static readonly Lazy<byte[]> Large = new(() =>
    {
        using var bitmap = new SKBitmap(2400, 1800);
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(SKColors.SteelBlue);
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    });

    private static readonly Lazy<byte[]> Noise = new(() =>
    {
        using var bitmap = new SKBitmap(2000, 1600);
        new Random(1).NextBytes(bitmap.GetPixelSpan());
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    });

    /// <summary>A picture of more than 8 MiB, which goes to S3 in two parts.</summary>
    public static TestPicture OfTwoParts => new("two-parts.png", Noise.Value, null);

    public static IReadOnlyList<TestPicture> All { get; } = Repository.HasShared ? Shared() : Drawn();

    /// <summary>A number of pictures, each with its own name.</summary>
    public static IEnumerable<TestPicture> Many(int count) =>
        Enumerable.Range(0, count).Select(i =>
        {
            var picture = All[i % All.Count];
            return picture with { Name = $"{i:000}-{picture.Name}" };
        });

    /// <summary>A number of pictures that are small to send and slow to decode, for tests that intervene while there is
    /// work.</summary>
    public static IEnumerable<TestPicture> Slow(int count) =>
        Enumerable.Range(0, count).Select(i => new TestPicture($"{i:000}-large.png", Large.Value, null));

    /// <summary>A number of pictures, every second of them slow.</summary>
    public static IEnumerable<TestPicture> Mixed(int count) =>
        Many(count).Zip(Slow(count)).Select((pair, i) => i % 2 == 0 ? pair.First : pair.Second);

    private static TestPicture[] Shared()
    {
        var folder = Path.Combine(Repository.Shared, "images");
        using var expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected-tiny.json")));
        return
        [
            .. expected.RootElement.GetProperty("files").EnumerateArray().Select(file =>
            {
                var name = file.GetProperty("file").GetString()!;
                int? index = file.GetProperty("stable").GetBoolean()
                    ? file.GetProperty("top1").GetProperty("index").GetInt32()
                    : null;
                return new TestPicture(name, File.ReadAllBytes(Path.Combine(folder, name)), index);
            }),
        ];
    }

    private static TestPicture[] Drawn() =>
    [
        .. new[] { SKColors.OrangeRed, SKColors.SeaGreen, SKColors.SteelBlue, SKColors.Gold }.Select((colour, i) =>
        {
            using var bitmap = new SKBitmap(320, 240);
            using var canvas = new SKCanvas(bitmap);
            canvas.Clear(SKColors.White);
            using var paint = new SKPaint { Color = colour, IsAntialias = true };
            canvas.DrawCircle(160, 120, 40 + (20 * i), paint);
            using var data = bitmap.Encode(i % 2 == 0 ? SKEncodedImageFormat.Jpeg : SKEncodedImageFormat.Png, 90);
            return new TestPicture($"drawn-{i}.{(i % 2 == 0 ? "jpg" : "png")}", data.ToArray(), null);
        }),
    ];
}
