using System.Text.Json;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>The names of a model's classes: the lines of <c>labels.txt</c>, or <c>id2label</c> in the
/// <c>config.json</c> of a Hugging Face model.</summary>
internal static class ClassLabels
{
    /// <summary>The file with a label on each line.</summary>
    public const string TextFile = "labels.txt";

    /// <summary>The file of Hugging Face. It is read only if there is no <see cref="TextFile"/>.</summary>
    public const string ConfigFile = "config.json";

    private const string ConfigField = "id2label";

    private const int LongestLabel = 1000;

    /// <summary>The file of a directory's labels. If there is none, it is the one that should be there.</summary>
    public static string FileIn(string directory) =>
        !Path.Exists(Path.Combine(directory, TextFile)) && Path.Exists(Path.Combine(directory, ConfigFile))
            ? ConfigFile
            : TextFile;

    /// <summary>Reads the labels, by index.</summary>
    /// <exception cref="FormatException">The file is of another form, or a label is empty, too long or has an invisible
    /// character. The message is a clause.</exception>
    public static string[] Read(string path) =>
        Path.GetFileName(path) == ConfigFile ? FromConfig(File.ReadAllText(path)) : FromLines(File.ReadAllLines(path));

    /// <summary>The labels of the classes from <see cref="ModelOutput.FirstClass"/> on.</summary>
    /// <param name="labels">The labels of all classes, or only of those from the first class on.</param>
    /// <param name="file">Their file, for the message.</param>
    /// <param name="classes">The number of the network's classes.</param>
    /// <param name="firstClass">The first class that has a label.</param>
    /// <param name="fault">Why the labels do not fit, as a clause; null if they do.</param>
    public static IReadOnlyList<string> Of(
        IReadOnlyList<string> labels, string file, int classes, int firstClass, out string? fault)
    {
        fault = null;
        if (firstClass < classes && labels.Count == classes) return [.. labels.Skip(firstClass)];
        if (firstClass < classes && labels.Count == classes - firstClass) return labels;
        var remedy = firstClass > 0
            ? $"output.firstClass is {firstClass}, so {file} needs a label for each class from there on, or for all"
            : $"{file} needs a line for each class";
        if (firstClass == 0 && labels.Count == classes - 1)
            remedy += "; if class 0 is a background, set output.firstClass to 1";
        fault = $"{file} names {labels.Count} classes, but the model has {classes}; {remedy}";
        return labels;
    }

    private static string[] FromLines(string[] labels)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            if (Fault(labels[i]) is { } fault) throw new FormatException($"line {i + 1} {fault}");
        }

        return labels.Length > 0 ? labels : throw new FormatException("it has no labels");
    }

    private static string[] FromConfig(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var isConfig = document.RootElement.ValueKind == JsonValueKind.Object;
            if (!isConfig || !document.RootElement.TryGetProperty(ConfigField, out var byIndex)
                || byIndex.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException(
                    $"it has no {ConfigField}, which names the classes; add it, or write {TextFile}");
            }

            // A look-up in JSON reads all names before it, which takes hours for very many classes.
            var named = new Dictionary<string, JsonElement>();
            foreach (var property in byIndex.EnumerateObject())
            {
                if (!named.TryAdd(property.Name, property.Value))
                    throw new FormatException($"{ConfigField} names a class twice; remove one of the two names");
            }

            if (named.Count == 0) throw new FormatException($"{ConfigField} is empty");
            return [.. Enumerable.Range(0, named.Count).Select(i => LabelOf(i, named))];
        }
        catch (JsonException failure)
        {
            throw new FormatException($"it is not JSON (line {failure.LineNumber + 1})", failure);
        }
        catch (InvalidOperationException failure)
        {
            // The JSON reader throws this for an escape of a lone surrogate.
            throw new FormatException("it has a text that is not valid Unicode", failure);
        }
    }

    private static string LabelOf(int index, Dictionary<string, JsonElement> named)
    {
        var isText = named.TryGetValue($"{index}", out var value) && value.ValueKind == JsonValueKind.String;
        if (!isText) throw new FormatException($"{ConfigField} has no text for class {index}");
        var label = value.GetString()!;
        return Fault(label) is { } fault
            ? throw new FormatException($"{ConfigField} has a label for class {index} that {fault}")
            : label;
    }

    /// <summary>The fault of a label, as the end of a clause; null if there is none. Labels are shown on pages and
    /// terminals, where a control character can do harm.</summary>
    private static string? Fault(string label)
    {
        if (string.IsNullOrWhiteSpace(label)) return "is empty";
        if (label.Length > LongestLabel)
            return $"has {label.Length} characters, more than {LongestLabel}; shorten it";
        foreach (var character in label.EnumerateRunes())
        {
            if (UntrustedText.IsInvisible(character))
                return $"has the invisible character U+{character.Value:X4}; remove it";
        }

        return null;
    }
}
