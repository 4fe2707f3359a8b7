using System.Globalization;
using System.Text;
using System.Text.Json;
using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ImageClassifier.Adapters.Onnx.Checks;

/// <summary>Writes a first <c>model.json</c> from what a network declares and answers. A network does not show how its
/// pictures were prepared in training, so those values are the usual ones, and are named as guesses.</summary>
internal sealed class ContractGuess
{
    private const int UsualSide = 224;

    private readonly List<string> _reasons = [];
    private readonly string _folder;
    private readonly string _part;

    private ContractGuess(string folder, string part)
    {
        _folder = folder;
        _part = part;
    }

    /// <summary>Writes the file.</summary>
    /// <returns>How it came to each value, as sentences.</returns>
    /// <exception cref="ModelDefectException">There is no network, it does not take pictures, or the file cannot be
    /// written. Nothing was written.</exception>
    public static IReadOnlyList<string> Write(string folder, int threads)
    {
        try
        {
            var guess = new ContractGuess(folder, NetworkIn(folder));
            var json = guess.Contract(threads);
            var target = Path.Combine(folder, ModelDirectory.ContractFile);
            using var file = new FileStream(target, FileMode.CreateNew);
            file.Write(Encoding.UTF8.GetBytes(json));
            return guess._reasons;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ModelDefectException(
                $"{ModelDirectory.ContractFile} is missing, and a first one cannot be written "
                + $"({failure.Message.TrimEnd('.')}); make {folder} writable, or copy it to a folder of yours",
                failure);
        }
    }

    private static string NetworkIn(string folder)
    {
        string[] networks =
        [
            .. Directory.EnumerateFiles(folder, "*.onnx").Select(file => Path.GetFileName(file)!)
                .Order(StringComparer.Ordinal),
        ];
        if (networks.Contains(ModelContract.DefaultPart)) return ModelContract.DefaultPart;
        return networks switch
        {
            [var only] => only,
            [] => throw new ModelDefectException(
                $"there is no .onnx file in {folder}; export the network to {ModelContract.DefaultPart}"),
            _ => throw new ModelDefectException($"model.json is missing, and there are several networks "
                + $"({string.Join(", ", networks)}); rename one to {ModelContract.DefaultPart}"),
        };
    }

    private string Contract(int threads)
    {
        var files = new ModelFileReader(_folder);
        files.ReadWeights([_part]);
        ModelDefectException.ThrowIfAny(files.Faults);
        var labels = ReadLabels();

        using var session = NetworkFile.Load(_folder, [_part], threads);
        var input = Input(session);
        var output = Output(session, labels);
        var contract = ModelContract.Parse(Json(input, output, "logits", 0));
        var trial = Try(session, contract);
        var kind = Kind(trial);
        return Json(input, output, kind, FirstClass(trial, labels));
    }

    private string[]? ReadLabels()
    {
        var files = new ModelFileReader(_folder);
        return files.ReadText(ClassLabels.FileIn(_folder), ClassLabels.Read);
    }

    private GuessedInput Input(InferenceSession session)
    {
        var inputs = session.InputMetadata;
        var (name, declared) = inputs.FirstOrDefault(input => input.Value is { IsTensor: true, Dimensions.Length: 4 });
        if (declared is null)
        {
            var all = inputs.Select(input => $"{input.Key} {NetworkForm.Shape(input.Value.Dimensions)}");
            throw new ModelDefectException(
                $"the network takes no pictures: its inputs are {string.Join(", ", all)}, and none has four axes");
        }

        var shape = declared.Dimensions;
        var isLast = shape[3] == ModelInput.Channels && shape[1] != ModelInput.Channels;
        if (!isLast && shape[1] >= 0 && shape[1] != ModelInput.Channels)
        {
            throw new ModelDefectException($"the network's input {name} is {NetworkForm.Shape(shape)}, but a picture "
                + $"has {ModelInput.Channels} channels; export it for colour pictures");
        }

        var (height, width) = isLast ? (shape[1], shape[2]) : (shape[2], shape[3]);
        var isSeen = height > 0 && width > 0 && shape.Contains(ModelInput.Channels);
        _reasons.Add(isSeen
            ? $"Seen in the network: the input {name} is {NetworkForm.Shape(shape)}."
            : $"Guessed: the input {name} is {NetworkForm.Shape(shape)}; a free width or height became {UsualSide}.");
        var isBytes = declared.ElementDataType == TensorElementType.UInt8;
        var scaling = (isBytes, isLast) switch
        {
            (true, _) => null,
            (_, true) => """
                "range": [-1, 1], "mean": [0, 0, 0], "std": [1, 1, 1],
                """,
            _ => """
                "range": [0, 1], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
                """,
        };
        _reasons.Add(isBytes
            ? "Seen in the network: it takes bytes, so range, mean and std are left out."
            : $"Guessed: range, mean and std are the usual ones of {(isLast ? "TensorFlow" : "PyTorch")}. Compare them "
                + "with the training: a network does not show them.");
        _reasons.Add("Guessed: channels RGB, and a resize of the shorter side with a crop of the centre. Compare them "
            + "with the training.");
        return new GuessedInput(
            name, isLast ? "NHWC" : "NCHW", width > 0 ? width : UsualSide, height > 0 ? height : UsualSide, scaling);
    }

    private string Output(InferenceSession session, string[]? labels)
    {
        var outputs = session.OutputMetadata;
        var name = outputs.Keys.FirstOrDefault(name => outputs[name].IsTensor && HasLabels(outputs[name].Dimensions))
            ?? outputs.Keys.First();
        _reasons.Add(outputs.Count == 1
            ? $"Seen in the network: its only output is {name}."
            : $"Guessed: of the outputs {string.Join(", ", outputs.Keys)} it is {name}.");
        return name;

        bool HasLabels(int[] shape) => labels is not null
            && shape.Skip(1).Any(length => length == labels.Length || length == labels.Length + 1);
    }

    /// <summary>The trial of the network; null if it fails, which the check after it reports.</summary>
    private static NetworkTrial? Try(InferenceSession session, ModelContract contract)
    {
        try
        {
            var trial = new NetworkTrial(session, NetworkForm.Check(session, contract), contract);
            trial.Run(maxBatch: 1);
            return trial;
        }
        catch (ModelDefectException)
        {
            return null;
        }
    }

    private string Kind(NetworkTrial? trial)
    {
        _reasons.Add(trial switch
        {
            null => "Guessed: the kind is logits, because the network could not be tried.",
            { GivesProbabilities: true } =>
                "Tried: the kind is probabilities, because the numbers of each trial picture add up to 1.",
            _ => "Tried: the kind is logits, because the numbers of the trial pictures are no probabilities.",
        });
        return trial is { GivesProbabilities: true } ? "probabilities" : "logits";
    }

    private int FirstClass(NetworkTrial? trial, string[]? labels)
    {
        if (trial is null || labels is null || trial.Classes != labels.Length + 1) return 0;
        _reasons.Add("Guessed: firstClass is 1, because there is one class more than labels. Class 0 is then a "
            + "background.");
        return 1;
    }

    private string Json(GuessedInput input, string output, string kind, int firstClass)
    {
        // A model's name has no invisible characters.
        var name = UntrustedText.ForDisplay(Path.GetFileName(Path.TrimEndingDirectorySeparator(_folder)));
        var parts = _part == ModelContract.DefaultPart ? "" : $"\n  \"parts\": [{Quoted(_part)}],";
        var scaling = input.Scaling is null ? "" : $"\n    {input.Scaling}";
        var shorter = Math.Max(input.Width, input.Height);
        // Training on ImageNet crops 224 of 256 pixels.
        var resize = (int)Math.Round(shorter * 256.0 / 224);
        var first = firstClass == 0 ? "" : $", \"firstClass\": {firstClass}";
        return string.Create(CultureInfo.InvariantCulture, $$"""
            {
              "name": {{Quoted(name)}},{{parts}}
              "input": {
                "name": {{Quoted(input.Name)}}, "layout": "{{input.Layout}}", "channels": "RGB",
                "width": {{input.Width}}, "height": {{input.Height}},{{scaling}}
                "resize": { "shorterSide": {{resize}}, "crop": "center", "filter": "bilinear" }
              },
              "output": { "name": {{Quoted(output)}}, "kind": "{{kind}}"{{first}} }
            }

            """);
    }

    private static string Quoted(string text) => JsonSerializer.Serialize(text);

    private sealed record GuessedInput(string Name, string Layout, int Width, int Height, string? Scaling);
}
