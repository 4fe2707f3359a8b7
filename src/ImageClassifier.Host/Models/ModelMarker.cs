using ImageClassifier.Core.Formats;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Models;

/// <summary>The small file in a model's folder that says where the model is from, and which files the program wrote. The
/// program removes only those.</summary>
/// <param name="Source">The address or the directory of the model.</param>
/// <param name="License">The licence, as an SPDX identifier; null if not known.</param>
/// <param name="NetworkSha256">The SHA-256 of a downloaded network; null for a copied directory.</param>
/// <param name="Sha256">The SHA-256 of the model's identity when it was added.</param>
/// <param name="Files">The files of the model, as paths below its folder with slashes, in their order.</param>
internal sealed record ModelMarker(
    string Source, string? License, string? NetworkSha256, string Sha256, IReadOnlyList<string> Files)
{
    /// <summary>The name of the file.</summary>
    public const string FileName = ".image-classifier-model.json";

    private const int MaxBytes = 1 << 20;

    /// <summary>Reads the marker of a folder; null if it has none that can be read.</summary>
    public static ModelMarker? TryRead(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, FileName));
        if (!file.Exists || file.LinkTarget is not null || file.Length > MaxBytes) return null;
        // Opening a pipe waits for a writer.
        if (PathKinds.Of(file.FullName) is not (PathKind.Regular or PathKind.Unknown)) return null;
        try
        {
            var marker = WireJson.TryRead<ModelMarker>(File.ReadAllText(file.FullName));
            return marker is { Files: not null, Source: not null } ? marker : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
