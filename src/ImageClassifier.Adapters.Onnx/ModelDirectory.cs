using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A model directory: the network, the labels of its classes, and <c>model.json</c>. The labels are
/// <c>labels.txt</c> (line i, from 0, names class i), or <c>id2label</c> of a <c>config.json</c>.</summary>
public sealed class ModelDirectory
{
    /// <summary>The settings key of the directory. Every defect is reported under it.</summary>
    public const string SettingKey = "image-classifier.node.classification.model";

    /// <summary>The file of the contract.</summary>
    public const string ContractFile = "model.json";

    /// <summary>The file with a label on each line.</summary>
    public const string LabelsTextFile = ClassLabels.TextFile;

    private ModelDirectory(
        string folder, ModelContract contract, string labelsFile, string[] labels, IReadOnlyList<string> weights,
        IReadOnlyList<string> samples, string sha256)
    {
        Folder = folder;
        Contract = contract;
        LabelsFile = labelsFile;
        Labels = labels;
        Weights = weights;
        Samples = samples;
        Identity = new ModelIdentity(contract.Name, sha256);
    }

    /// <summary>The full path of the directory.</summary>
    public string Folder { get; }

    /// <summary>The network's files, and the input and output of the model.</summary>
    public ModelContract Contract { get; }

    /// <summary>The name of the file with the labels.</summary>
    public string LabelsFile { get; }

    /// <summary>The labels in that file, by index.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The names of the network's files of weights, in ordinal order.</summary>
    public IReadOnlyList<string> Weights { get; }

    /// <summary>The sample pictures, as paths in the directory, in ordinal order.</summary>
    public IReadOnlyList<string> Samples { get; }

    /// <summary>The model's name, and the SHA-256 of all files that affect its results. The hash is the SHA-256 of the
    /// lines that <c>sha256sum</c> prints for <c>model.json</c>, the file of the labels, the network's parts and its
    /// files of weights. The weights are in the order of their names.</summary>
    public ModelIdentity Identity { get; }

    /// <summary>Reads and checks a model directory. The network itself is only hashed.</summary>
    /// <param name="path">The directory. A relative path is looked up beside the program, then in the working
    /// directory.</param>
    /// <exception cref="InvalidSettingException">The directory or one of its files is missing, unreadable or
    /// wrong.</exception>
    public static ModelDirectory Load(string path)
    {
        try
        {
            return Read(Locate(path));
        }
        catch (ModelDefectException defect)
        {
            throw WrongSetting(path, defect);
        }
    }

    /// <summary>Reads and checks a model directory.</summary>
    /// <exception cref="ModelDefectException">The directory or some of its files are missing, unreadable or wrong. All
    /// faults are named.</exception>
    internal static ModelDirectory Read(string folder)
    {
        if (!Directory.Exists(folder)) throw new ModelDefectException($"there is no directory {folder}");
        var files = new ModelFileReader(folder);
        var contract = files.ReadText(ContractFile, file => ModelContract.Parse(File.ReadAllText(file)));
        var labelsFile = ClassLabels.FileIn(folder);
        var labels = files.ReadText(labelsFile, ClassLabels.Read);
        var parts = contract?.Parts ?? [];
        var weights = files.ReadWeights(parts);
        var samples = files.ReadSamples();
        ModelDefectException.ThrowIfAny(files.Faults, files.FailedRead);

        var sha256 = files.Hash([ContractFile, labelsFile, .. parts, .. weights]);
        ModelDefectException.ThrowIfAny(files.Faults, files.FailedRead);
        return new ModelDirectory(folder, contract!, labelsFile, labels!, weights, samples, sha256!);
    }

    /// <summary>The full path of a model directory.</summary>
    internal static string Locate(string path)
    {
        var besideProgram = Path.Combine(AppContext.BaseDirectory, path);
        return Directory.Exists(besideProgram) ? besideProgram : Path.GetFullPath(path);
    }

    /// <summary>The exception for a defect of the model that a setting names.</summary>
    internal static InvalidSettingException WrongSetting(string setting, ModelDefectException defect) =>
        new(SettingKey, setting, defect.Message, defect);
}
