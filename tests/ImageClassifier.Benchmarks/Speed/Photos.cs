using ImageClassifier.Testing;
using SkiaSharp;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>Photos of the size that ImageNet's have on average: 500 × 375 pixels, some 60 KB as JPEG. They are cut out of
/// the shared pictures at different places, so no two are alike.</summary>
internal static class Photos
{
    private const int Count = 300;
    private const int Width = 500;
    private const int Height = 375;
    private const int Quality = 90;

    private static readonly string[] Sources =
        ["bell_pepper.jpg", "cat.jpg", "go_kart.jpg", "goldfish.jpg", "hot_dog.jpg", "monarch.jpg", "owl.jpg", "pets.jpg"];

    /// <summary>Writes the photos into a folder.</summary>
    /// <returns>Their paths.</returns>
    public static IReadOnlyList<string> Write(string folder)
    {
        var random = new Random(1);
        var sources = Sources.Select(name => SKBitmap.Decode(Repository.SharedFile("images", name))).ToArray();
        using var photo = new SKBitmap(Width, Height);
        using var canvas = new SKCanvas(photo);
        var paths = new List<string>();
        for (var i = 0; i < Count; i++)
        {
            var source = sources[i % sources.Length];
            var scale = (0.8 + (0.2 * random.NextDouble())) * Math.Min((double)source.Width / Width, (double)source.Height / Height);
            var (width, height) = ((float)(Width * scale), (float)(Height * scale));
            var (left, top) = (random.NextSingle() * (source.Width - width), random.NextSingle() * (source.Height - height));
            using var image = SKImage.FromBitmap(source);
            canvas.DrawImage(
                image, SKRect.Create(left, top, width, height), SKRect.Create(Width, Height), new SKSamplingOptions(SKCubicResampler.Mitchell));
            using var encoded = photo.Encode(SKEncodedImageFormat.Jpeg, Quality);
            var path = Path.Combine(folder, $"{i:000}.jpg");
            File.WriteAllBytes(path, encoded.ToArray());
            paths.Add(path);
        }

        foreach (var source in sources) source.Dispose();
        return paths;
    }
}
