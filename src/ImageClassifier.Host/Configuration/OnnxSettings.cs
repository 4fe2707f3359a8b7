using Akka.Configuration;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Node;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>The settings of the model.</summary>
/// <param name="ModelFolder">The model directory. If the model runs on this machine, the absolute path of an existing
/// folder.</param>
/// <param name="MaxBatch">The most pictures in one run of the model.</param>
/// <param name="Threads">The number of threads of one run.</param>
/// <param name="Decoding">The limits of decoding.</param>
public sealed record OnnxSettings(string ModelFolder, int MaxBatch, int Threads, DecodingLimits Decoding)
{
    /// <summary>Reads <c>image-classifier.node.classification</c> for a model on this machine. A relative model
    /// directory is looked up beside the program, then in the working directory.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong, or the folder does not exist.</exception>
    public static OnnxSettings Create(Config config) => Create(config, Environment.ProcessorCount, Find);

    /// <summary>Reads the same settings for a model on another machine, whose folders and cores are unknown
    /// here.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong on every machine.</exception>
    public static OnnxSettings CreateForAnotherMachine(Config config) => Create(config, cores: null, (_, text) => text);

    /// <summary>The settings of the ONNX adapter.</summary>
    internal OnnxClassifierSettings ToAdapter() => new(ModelFolder, MaxBatch, Threads, Decoding);

    private static OnnxSettings Create(Config config, int? cores, Func<string, string, string> folderOf)
    {
        var section = new SettingsSection(config, "image-classifier.node.classification");
        var (key, model) = (section.FullKey("model"), section.Text("model"));
        if (model.Length == 0 || model.Contains('\0'))
            throw new InvalidSettingException(key, model, "it must be the path of a model directory");
        return new OnnxSettings(
            folderOf(key, model),
            section.WholeNumber("max-batch", 1, 1024),
            ClassificationSettings.Create(config, cores).Threads,
            new DecodingLimits(
                section.LargeNumber("max-pixels", 1, 10_000_000_000),
                section.Bytes("decode-memory", 1 << 20, 1L << 40),
                section.Duration("decode-timeout", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))));
    }

    private static string Find(string key, string text)
    {
        string[] places = Path.IsPathFullyQualified(text)
            ? [text]
            : [.. new[] { Path.GetFullPath(text, AppContext.BaseDirectory), Path.GetFullPath(text) }.Distinct()];
        return places.FirstOrDefault(Directory.Exists)
            ?? throw new InvalidSettingException(
                key, text, $"there is no such model directory (looked for {string.Join(" and ", places)})");
    }
}
