using ImageClassifier.Testing;
using SkiaSharp;

namespace ImageClassifier.Benchmarks.Speed;

/// <summary>Photos of the size that ImageNet's have on average: 500 × 375 pixels, some 60 KB as JPEG. They are cut out of
/// the shared pictures at different places, so no two are alike.</summary>
internal static class Photos
{
    private const int Width = 500;
    private const int Height = 375;
    private const int Quality = 90;

    private static readonly string[] Sources =
        ["bell_pepper.jpg", "cat.jpg", "go_kart.jpg", "goldfish.jpg", "hot_dog.jpg", "monarch.jpg", "owl.jpg", "pets.jpg"];

    /// <summary>Writes photos into a folder.</summary>
    /// <returns>Their paths.</returns>
    public static IReadOnlyList<string> Write(string folder, int count = 300)
    {
        var random = new Random(1);
        var sources = Sources.Select(Decode).ToArray();
        var paths = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var path = Path.Combine(folder, $"{i:000}.jpg");
            File.WriteAllBytes(path, CutOut(sources[i % sources.Length], random));
            paths.Add(path);
        }

        foreach (var source in sources) source.Dispose();
        return paths;
    }

    /// <summary>One photo, as JPEG.</summary>
    public static byte[] Make()
    {
        using var source = Decode(Sources[0]);
        return CutOut(source, new Random(1));
    }

    /// <summary>A photo of a camera, as JPEG. It is laid out of the shared pictures at their own size, because an enlarged
    /// one would have less detail and cost less.</summary>
    public static byte[] MakeLarge(int width, int height)
    {
        using var photo = new SKBitmap(width, height);
        using var canvas = new SKCanvas(photo);
        foreach (var (name, i) in Sources.Select((name, i) => (name, i)))
        {
            using var source = Decode(name);
            for (var y = 0; y < height; y += source.Height)
            {
                for (var x = i * width / Sources.Length; x < (i + 1) * width / Sources.Length; x += source.Width)
                    canvas.DrawBitmap(source, x, y, SKSamplingOptions.Default);
            }
        }

        return Encode(photo);
    }

    private static SKBitmap Decode(string name) => SKBitmap.Decode(Repository.SharedFile("images", name));

    private static byte[] CutOut(SKBitmap source, Random random)
    {
        var scale = (0.8 + (0.2 * random.NextDouble())) * Math.Min((double)source.Width / Width, (double)source.Height / Height);
        var (width, height) = ((float)(Width * scale), (float)(Height * scale));
        var (left, top) = (random.NextSingle() * (source.Width - width), random.NextSingle() * (source.Height - height));
        using var photo = new SKBitmap(Width, Height);
        using var canvas = new SKCanvas(photo);
        using var image = SKImage.FromBitmap(source);
        canvas.DrawImage(
            image, SKRect.Create(left, top, width, height), SKRect.Create(Width, Height), new SKSamplingOptions(SKCubicResampler.Mitchell));
        return Encode(photo);
    }

    private static byte[] Encode(SKBitmap photo)
    {
        using var encoded = photo.Encode(SKEncodedImageFormat.Jpeg, Quality);
        return encoded.ToArray();
    }
}
