using Akka.Configuration;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Host.Configuration;

/// <summary>Which model runs, and how.</summary>
/// <param name="ModelFolder">The model directory: an absolute path of a folder that exists.</param>
/// <param name="MaxBatch">Pictures in one run of the model at most.</param>
/// <param name="Threads">Threads of one run.</param>
/// <param name="Decoding">What decoding may cost.</param>
public sealed record OnnxSettings(string ModelFolder, int MaxBatch, int Threads, DecodingLimits Decoding)
{
    private const int MostThreads = 256;

    /// <summary>Reads <c>image-classifier.node.classification</c>. A relative model directory is looked up beside the
    /// program, then in the working directory.</summary>
    /// <exception cref="InvalidSettingException">A value is not usable, or there is no such folder.</exception>
    public static OnnxSettings Create(Config config)
    {
        var section = new SettingsSection(config, "image-classifier.node.classification");
        var threads = section.WholeNumberOrCores("threads", 1, MostThreads);
        var classifiers = section.WholeNumberOrCores("classifiers", 1, MostThreads);
        if (threads > 1 && threads * classifiers > Math.Max(1, Environment.ProcessorCount))
        {
            throw new InvalidSettingException(section.FullKey("threads"), section.Text("threads"),
                $"{classifiers} classifiers of {threads} threads each are more than the machine's "
                + $"{Environment.ProcessorCount} cores");
        }

        return new OnnxSettings(
            ModelFolderOf(section.FullKey("model"), section.Text("model")),
            section.WholeNumber("max-batch", 1, 1024),
            threads,
            new DecodingLimits(
                section.LargeNumber("max-pixels", 1, 10_000_000_000),
                section.Bytes("decode-memory", 1 << 20, 1L << 40),
                section.Duration("decode-timeout", TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10))));
    }

    private static string ModelFolderOf(string key, string text)
    {
        if (text.Length == 0 || text.Contains('\0'))
            throw new InvalidSettingException(key, text, "it must be the path of a model directory");
        string[] places = Path.IsPathFullyQualified(text)
            ? [text]
            : [.. new[] { Path.GetFullPath(text, AppContext.BaseDirectory), Path.GetFullPath(text) }.Distinct()];
        return places.FirstOrDefault(Directory.Exists)
            ?? throw new InvalidSettingException(
                key, text, $"there is no such model directory (looked for {string.Join(" and ", places)})");
    }
}
