using System.Text.Json;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>The small file that marks a folder as a data folder of this program. Without it, the program deletes and
/// changes nothing there.</summary>
internal static class FolderMarker
{
    /// <summary>The name of the marker in the data folder.</summary>
    public const string Name = ".image-classifier";

    private const int Format = 1;
    private const long MaxSize = 4096;

    /// <summary>Reads the marker of a folder.</summary>
    public static MarkerState Read(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, Name));
        if (!file.Exists) return MarkerState.Missing;
        if (file.LinkTarget is not null || file.Length > MaxSize) return MarkerState.Unreadable;
        try
        {
            var content = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(file.FullName));
            return content?.Format switch
            {
                null or < 1 => MarkerState.Unreadable,
                > Format => MarkerState.Newer,
                _ => MarkerState.Ours,
            };
        }
        catch (JsonException)
        {
            return MarkerState.Unreadable;
        }
        catch (FileNotFoundException)
        {
            return MarkerState.Missing;
        }
    }

    /// <summary>Writes the marker of a folder. Of several processes at once, one writes it.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Write(string folder)
    {
        var temporary = Path.Combine(folder, $"{Name}.{Guid.NewGuid():n}.tmp");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                JsonSerializer.Serialize(file, new Content("The data of image-classifier. Keep this file.", Format));
                file.Flush(flushToDisk: true);
            }

            ExclusivePlacing.TryPlace(temporary, Path.Combine(folder, Name));
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Deletes an unreadable marker, in a folder that is known to be the program's.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, Name));

    /// <summary>True for the name of the marker, and for the name of a marker that another process is
    /// writing.</summary>
    public static bool IsNameOf(string name) =>
        name == Name || (name.StartsWith($"{Name}.", StringComparison.Ordinal)
            && name.EndsWith(".tmp", StringComparison.Ordinal));

    private sealed record Content(string About, int Format);
}

/// <summary>The state of a folder's marker.</summary>
internal enum MarkerState
{
    /// <summary>The folder has no marker.</summary>
    Missing,

    /// <summary>The folder belongs to this program.</summary>
    Ours,

    /// <summary>The folder belongs to a newer version of the program.</summary>
    Newer,

    /// <summary>The marker cannot be read.</summary>
    Unreadable,
}
