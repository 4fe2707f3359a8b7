using Akka.Configuration;
using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Host.Models;
using ImageClassifier.Node.Tuning;
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
    private const string OnAws = "On AWS, names of models are not supported, because an instance has no data folder. Put the "
        + "model directory into the image (deploy/image/make-ami.sh), and give its path";

    /// <summary>Reads <c>image-classifier.node.classification</c> for a model on this machine. The model is the name of one
    /// in the data folder, or a directory. A relative directory is looked up beside the program, then in the working
    /// directory.</summary>
    /// <exception cref="InvalidSettingException">A value is wrong, or the folder does not exist.</exception>
    public static OnnxSettings Create(Config config) =>
        Create(config, Environment.ProcessorCount, (key, text) => Find(config, key, text));

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
            throw new InvalidSettingException(key, model, "it must be the path of a model directory, or the name of a model in the data folder");
        var arrangement = ArrangementSettings.Create(config, cores).Default;
        return new OnnxSettings(
            folderOf(key, model),
            arrangement.Batch,
            arrangement.Threads,
            new DecodingLimits(
                section.LargeNumber("max-pixels", 1, 10_000_000_000),
                section.Bytes("decode-memory", 1 << 20, 1L << 40),
                section.Duration("decode-timeout", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))));
    }

    private static string Find(Config config, string key, string text)
    {
        // An instance on AWS has no data folder. Its image holds the model directory.
        var isName = ModelName.IsValid(text);
        var store = isName && !EnvironmentSettings.Create(config).IsAws
            ? new ModelStore(new EmbeddedLayout(EmbeddedSettings.Create(config).DataFolder).Models)
            : null;
        // A name wins over a directory: the working directory must not decide which of two models is used.
        if (store?.Find(text) is { } model) return model.Path;

        string[] places = Path.IsPathFullyQualified(text)
            ? [text]
            : [.. new[] { Path.GetFullPath(text, AppContext.BaseDirectory), Path.GetFullPath(text) }.Distinct()];
        return places.FirstOrDefault(Directory.Exists)
            ?? throw new InvalidSettingException(
                key, text, $"there is no such model directory (looked for {string.Join(" and ", places)})"
                + (store is not null ? $". {store.AdviceFor(text)}" : isName ? $". {OnAws}" : ""));
    }
}
