using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using ImageClassifier.Adapters.Onnx.Backbones;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Training;
using ImageClassifier.Training.Pictures;
using ImageClassifier.Training.Reports;
using ImageClassifier.Web.Uploads;

namespace ImageClassifier.Host.CommandLine.Train;

/// <summary>The verb <c>train</c>: trains a model on a folder of pictures for each class, and writes a model
/// directory. It needs neither a server nor credentials.</summary>
/// <param name="output">Standard output. It receives only the tables or the JSON document.</param>
/// <param name="width">The width of the terminal in characters; null if the output is no terminal.</param>
/// <param name="progress">The terminal for the progress bars; null for none.</param>
public sealed class TrainVerb(TextWriter output, int? width, TextWriter? progress)
{
    private const string OutOption = "--out";

    private static readonly JsonSerializerOptions Json = new(WireJson.Options)
    {
        WriteIndented = true,
        // File names keep their letters.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Trains a model. The directory appears only when it is complete.</summary>
    /// <returns><see cref="ExitCodes.Done"/>; <see cref="ExitCodes.SomeFailed"/> if the model is there, but some files
    /// could not be used.</returns>
    /// <exception cref="InvalidSettingException">A setting, the folder or the directory is wrong. Nothing was
    /// written.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled. Nothing was written.</exception>
    public async Task<int> RunAsync(TrainOptions options, CancellationToken cancellation)
    {
        var config = ProgramSettings.Load(options.Settings);
        var uploads = UploadSettings.Create(config);
        // Only the limits of decoding matter. The model of the nodes need not be on this machine.
        var decoding = OnnxSettings.CreateForAnotherMachine(config).Decoding;
        var name = NameOf(options.Out);
        var folder = TrainingFolder.Read(options.Folder, cancellation);
        RefuseWithin(folder, options.Out);

        using var directory = NewFolder.Create(OutOption, options.Out);
        using var extractor = FeatureExtractor.Load(decoding);
        ExtractFeatures extract = new PictureFeatures(extractor, uploads).Extract;
        var result = await ProgressBars.RunAsync(progress, ["looking at pictures", "training"], report =>
        {
            var table = FeatureTable.Compute(folder, extract, done => report(0, done), cancellation);
            return Trainer.Train(name, table, done => report(1, done), cancellation);
        });
        Write(directory.Path, name, folder.Classes, result);
        cancellation.ThrowIfCancellationRequested();
        directory.Complete();

        if (options.Json) await output.WriteLineAsync(JsonSerializer.Serialize(result.Report, Json));
        else new TrainingPrinter(output, width).Print(result.Report, directory.Path);
        await output.FlushAsync(CancellationToken.None);
        return result.Report.LeftOut.Any(file => file.IsFault) ? ExitCodes.SomeFailed : ExitCodes.Done;
    }

    /// <summary>The name of the model: that of its directory.</summary>
    private static string NameOf(string directory)
    {
        if (string.IsNullOrWhiteSpace(directory))
            throw new InvalidSettingException(OutOption, directory, "it is empty; give the directory of the new model");
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)));
        return UntrustedText.HasInvisible(name)
            ? throw new InvalidSettingException(OutOption, directory,
                "its last part has an invisible character, and becomes the name of the model; give another name")
            : name;
    }

    // The next training would take the model for a class.
    private static void RefuseWithin(TrainingFolder folder, string directory)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + Path.DirectorySeparatorChar;
        if (!target.StartsWith(
            Path.TrimEndingDirectorySeparator(folder.Path) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            return;
        throw new InvalidSettingException(
            OutOption, directory, "it is in the folder of the pictures; give a directory elsewhere");
    }

    private static void Write(
        string directory, string name, IReadOnlyList<string> labels, TrainingResult result)
    {
        var version = typeof(TrainVerb).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!;
        var head = new HeadWeights(
            [.. result.Head.Weights.Select(row => Array.ConvertAll(row, weight => (Half)weight))], result.Head.Bias);
        TrainedModel.Write(directory, name, labels, head);
        SamplePictures.Copy(Path.Combine(directory, "samples"), labels, result.Samples);
        ConfusionChart.Write(Path.Combine(directory, "confusion.png"), result.Confusion);
        File.WriteAllText(
            Path.Combine(directory, "MODEL.md"), ModelCard.Write(result.Report, version.InformationalVersion));
        File.WriteAllText(
            Path.Combine(directory, "report.json"), JsonSerializer.Serialize(result.Report, Json) + "\n");
    }
}
