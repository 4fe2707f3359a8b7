using System.Text.Json;
using ImageClassifier.EndToEnd.Programs;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>The contents of the object store, read without the program.</summary>
internal interface IStoredObjects
{
    /// <summary>The keys with a prefix.</summary>
    Task<IReadOnlyList<string>> ListAsync(string prefix);

    /// <summary>Reads a document.</summary>
    Task<JsonElement> ReadAsync(string key);
}

/// <summary>The objects of a data folder.</summary>
internal sealed class StoredFiles(string dataFolder) : IStoredObjects
{
    private readonly string _root = Path.Combine(dataFolder, "objects");

    public Task<IReadOnlyList<string>> ListAsync(string prefix)
    {
        // The prefixes of these tests are folders.
        var folder = Path.Combine(_root, prefix);
        return Task.FromResult<IReadOnlyList<string>>(Directory.Exists(folder)
            ?
            [
                .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                    .Select(file => Path.GetRelativePath(_root, file)),
            ]
            : []);
    }

    public async Task<JsonElement> ReadAsync(string key) =>
        JsonSerializer.Deserialize<JsonElement>(await File.ReadAllBytesAsync(Path.Combine(_root, key)));
}

/// <summary>The objects of the emulator's bucket.</summary>
internal sealed class StoredInBucket(EmulatedAws aws) : IStoredObjects
{
    public Task<IReadOnlyList<string>> ListAsync(string prefix) => aws.ListAsync(prefix);

    public async Task<JsonElement> ReadAsync(string key) =>
        JsonSerializer.Deserialize<JsonElement>(await aws.ReadAsync(key));
}
