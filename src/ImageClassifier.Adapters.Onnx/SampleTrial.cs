using System.Globalization;
using ImageClassifier.Adapters.Onnx.Imaging;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>Classifies the pictures in a model's folder <c>samples</c>. A model whose preprocessing is described
/// wrongly runs without an error; only pictures with known labels show it.</summary>
internal sealed class SampleTrial(ModelDirectory model, PictureDecoder decoder, LoadedNetwork network)
{
    private Exception? _failedRead;

    /// <summary>Runs the samples.</summary>
    /// <exception cref="ModelDefectException">A sample gets another label, or is of no use. All such samples are
    /// named.</exception>
    public void Run()
    {
        using var picture = new PinnedTensor(1, model.Contract.Input.Length, model.Contract.Input.Shape);
        ModelDefectException.ThrowIfAny([.. model.Samples.Select(name => Fault(name, picture)).OfType<string>()], _failedRead);
    }

    private string? Fault(string name, PinnedTensor picture)
    {
        var wanted = SampleNames.LabelsFor(Path.GetFileNameWithoutExtension(name), network.Labels);
        if (wanted.Count == 0)
            return $"{name} is not named by a label of {model.LabelsFile}; rename it, as {Example()}, or remove it";
        try
        {
            if (decoder.Decode(File.ReadAllBytes(Path.Combine(model.Folder, name)), picture.Row(0)) is { } refused)
                return $"{name} cannot be decoded: {refused.Message.TrimEnd('.')}; replace or remove it";
            var best = network.Classify([picture])[0][0];
            return wanted.Contains(best.Label)
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"the model answers \"{best.Label}\" "
                    + $"({best.Probability:P0}) for its sample {name}, which must be \"{wanted[0]}\"; compare input.channels, range, mean, std and "
                    + $"resize in model.json with the training, and {model.LabelsFile} with the order of the classes");
        }
        catch (InvalidOperationException failure)
        {
            return $"the model fails for its sample {name}: {failure.Message.TrimEnd('.')}; export it again";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _failedRead = failure;
            return $"{name} cannot be read: {failure.Message.TrimEnd('.')}";
        }
    }

    private string Example() => $"{SampleNames.For(network.Labels[0])}.jpg";
}
