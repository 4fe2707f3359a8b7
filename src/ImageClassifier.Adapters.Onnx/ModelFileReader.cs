namespace ImageClassifier.Adapters.Onnx;

/// <summary>Reads the files of a model directory, and collects their faults, so that they can be mended at
/// once.</summary>
internal sealed class ModelFileReader(string folder)
{
    private readonly List<string> _faults = [];

    /// <summary>The faults so far, as clauses.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>The last failed read behind a fault; null if there is none.</summary>
    public Exception? FailedRead { get; private set; }

    /// <summary>Reads a file into memory; the default if it has a fault.</summary>
    public T? ReadText<T>(string name, Func<string, T> read)
        where T : class =>
        Read(name, ModelFiles.MaxTextBytes, read);

    /// <summary>The pictures in the folder <see cref="SampleNames.Folder"/>, as paths in the model directory.</summary>
    public IReadOnlyList<string> ReadSamples() => Try(SampleNames.Folder, () =>
    {
        var samples = SampleFiles.In(folder);
        foreach (var name in samples) IsSound(name, () => ModelFiles.Fault(folder, name, SampleFiles.MaxBytes));
        return samples;
    }) ?? [];

    /// <summary>The names of the files of weights that the parts of a network name, in ordinal order.</summary>
    public IReadOnlyList<string> ReadWeights(IReadOnlyList<string> parts)
    {
        var weights = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var part in parts) weights.UnionWith(Read(part, long.MaxValue, ExternalWeights.NamedBy) ?? []);
        foreach (var name in weights) IsSound(name, () => ModelFiles.WeightsFault(folder, name));
        return [.. weights];
    }

    /// <summary>The hash of several files, as <see cref="ModelFiles.Hash(string, IEnumerable{string})"/>; null if one
    /// cannot be read.</summary>
    public string? Hash(IReadOnlyList<string> names) =>
        Try(string.Join(", ", names), () => ModelFiles.Hash(folder, names));

    private T? Read<T>(string name, long maxBytes, Func<string, T> read)
        where T : class =>
        IsSound(name, () => ModelFiles.Fault(folder, name, maxBytes))
            ? Try(name, () => read(Path.Combine(folder, name)))
            : null;

    private bool IsSound(string name, Func<string?> look)
    {
        var before = _faults.Count;
        if (Try(name, look) is { } fault) _faults.Add(fault);
        return _faults.Count == before;
    }

    private T? Try<T>(string name, Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (FormatException failure)
        {
            _faults.Add($"{name} is wrong: {failure.Message}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            FailedRead = failure;
            _faults.Add($"{name} cannot be read: {failure.Message.TrimEnd('.')}");
        }

        return null;
    }
}
