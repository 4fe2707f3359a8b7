using SkiaSharp;

namespace ImageClassifier.Benchmarks;

/// <summary>Pictures for what does not depend on their size.</summary>
internal static class TinyPictures
{
    /// <summary>PNG pictures of 16 × 16 pixels with the same bytes and names of their own.</summary>
    public static IReadOnlyList<(string Name, byte[] Bytes)> Make(int count)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(SKColors.SteelBlue);
        using var png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        var bytes = png.ToArray();
        return [.. Enumerable.Range(0, count).Select(i => ($"{i:0000}.png", bytes))];
    }
}
