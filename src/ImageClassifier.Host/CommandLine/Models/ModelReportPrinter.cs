using System.Globalization;
using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Checks;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>Prints what a model directory holds, and its faults.</summary>
/// <param name="output">Standard output.</param>
internal sealed class ModelReportPrinter(TextWriter output)
{
    private const int TitleWidth = 12;
    private const int ShownLabels = 5;

    /// <summary>Prints one JSON object.</summary>
    public void PrintJson(ModelReport report)
    {
        var (input, result) = (report.Contract?.Input, report.Contract?.Output);
        output.WriteLine(JsonSerializer.Serialize(
            new
            {
                report.Directory,
                Usable = report.Faults.Count == 0,
                report.Name,
                report.Sha256,
                report.Contract?.Parts,
                report.Weights,
                Input = input is null
                    ? null
                    : new
                    {
                        input.Name,
                        Type = report.InputType,
                        Layout = input.Layout.ToString().ToUpperInvariant(),
                        Channels = input.Order.ToString().ToUpperInvariant(),
                        input.Width,
                        input.Height,
                        Range = new[] { input.Range.Low, input.Range.High },
                        input.Mean,
                        input.Std,
                        Resize = Resize(input),
                        report.FixedBatch,
                    },
                Output = result,
                Classes = report.Labels.Count,
                report.LabelsFile,
                report.Samples,
                report.Written,
                report.Faults,
            },
            WireJson.Options));
    }

    /// <summary>Prints sentences for people.</summary>
    public void PrintText(ModelReport report)
    {
        Line("Directory", report.Directory);
        if (report.Written is { } written)
        {
            Line("Written", "model.json was missing, so a first one was written:");
            foreach (var reason in written) Line("", $"- {reason}");
        }

        if (report is { Contract: { } contract, Sha256: { } sha256 }) PrintModel(report, contract, sha256);
        if (report.Faults.Count == 0)
        {
            Line("Verdict", "The model can be used: --set "
                + $"{ModelDirectory.SettingKey}={report.Directory}");
            return;
        }

        Line("Verdict", "The model cannot be used:");
        foreach (var fault in report.Faults) Line("", $"- {fault}.");
    }

    private void PrintModel(ModelReport report, ModelContract contract, string sha256)
    {
        var (input, result) = (contract.Input, contract.Output);
        Line("Model", report.Name!);
        Line("SHA-256", sha256);
        Line("Network", string.Join(", followed by ", contract.Parts)
            + (report.Weights.Count == 0 ? "" : $"; weights in {string.Join(", ", report.Weights)}"));
        Line("Input", $"{input.Name}: {Type(report)}[{string.Join(", ", Shape(report, input))}]");
        Line("Pictures", $"{Resize(input)}; the order of the channels is {input.Order.ToString().ToUpperInvariant()}");
        Line("Values", Values(input));
        Line("Output", $"{result.Name}: " + (result.Kind == OutputKind.Logits
            ? "logits, of which a softmax makes probabilities"
            : "probabilities"));
        if (result.FirstClass > 0)
            Line("", $"the classes before {result.FirstClass} are a background, and never an answer");
        var more = report.Labels.Count > ShownLabels ? ", …" : "";
        Line("Classes", $"{report.Labels.Count} of {report.LabelsFile}: "
            + $"{string.Join(" | ", report.Labels.Take(ShownLabels))}{more}");
        Line("Samples", report.Samples switch
        {
            0 => "none; put pictures that are named by their labels into samples/, and each start checks them",
            1 => "1 picture",
            var count => $"{count} pictures",
        });
    }

    private static string Type(ModelReport report) => report.InputType is null ? "" : $"{report.InputType} ";

    private static IEnumerable<string> Shape(ModelReport report, ModelInput input) =>
        [report.FixedBatch is { } batch ? $"{batch}" : "N", .. input.Shape(1).Skip(1).Select(length => $"{length}")];

    private static string Resize(ModelInput input)
    {
        var (resize, filter) = (input.Resize, input.Resize.Filter.ToString().ToLowerInvariant());
        if (resize.Squash) return $"both sides are resized to {input.Width} x {input.Height} pixels ({filter})";
        var nearest = resize.Prescale is null ? "" : $", then to {resize.ShorterSide} without a filter";
        return $"the shorter side is resized to {resize.FilteredSide} pixels ({filter}){nearest}, and the centre of "
            + $"{input.Width} x {input.Height} is cut out";
    }

    private static string Values(ModelInput input)
    {
        if (input.LeavesBytes) return "bytes as they are, from 0 to 255";
        return $"black is {Scaled(input, input.Range.Low)}; white is {Scaled(input, input.Range.High)}";
    }

    private static string Scaled(ModelInput input, float value) =>
        string.Join(", ", input.Mean.Zip(input.Std, (mean, deviation) =>
            ((value - mean) / deviation).ToString("0.###", CultureInfo.InvariantCulture)));

    private void Line(string title, string text) =>
        output.WriteLine(UntrustedText.ForDisplay($"{title.PadRight(TitleWidth)}{text}"));
}
