using System.Text.Json;

namespace ImageClassifier.Adapters.Embedded.Files;

/// <summary>The small file that makes a data folder ours. Without it the program deletes and changes nothing
/// there.</summary>
internal static class FolderMarker
{
    /// <summary>The marker's name in the data folder.</summary>
    public const string Name = ".image-classifier";

    private const int Format = 1;
    private const long MaxSize = 4096;

    /// <summary>What the marker of a folder says.</summary>
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

    /// <summary>Marks a folder. Of several processes at once one does, and the others find it done.</summary>
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

    /// <summary>Replaces a marker that cannot be read, in a folder that was found to be ours.</summary>
    public static void Remove(string folder) => File.Delete(Path.Combine(folder, Name));

    /// <summary>Whether a name is that of the marker, or of one that another process writes just now.</summary>
    public static bool IsNameOf(string name) =>
        name == Name || (name.StartsWith($"{Name}.", StringComparison.Ordinal)
            && name.EndsWith(".tmp", StringComparison.Ordinal));

    private sealed record Content(string About, int Format);
}

/// <summary>What a folder's marker says.</summary>
internal enum MarkerState
{
    /// <summary>There is none.</summary>
    Missing,

    /// <summary>The folder is ours.</summary>
    Ours,

    /// <summary>The folder is of a newer version of the program.</summary>
    Newer,

    /// <summary>The marker is damaged.</summary>
    Unreadable,
}
