using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>A model directory: <c>model.onnx</c>, <c>labels.txt</c> (line i, from 0, names class i) and
/// <c>model.json</c>.</summary>
public sealed class ModelDirectory
{
    /// <summary>The settings key of the directory. Every defect is reported under it.</summary>
    public const string SettingKey = "image-classifier.node.classification.model";

    private const string NetworkFile = "model.onnx";
    private const string LabelsFile = "labels.txt";
    private const string ContractFile = "model.json";

    private readonly string _setting;

    private ModelDirectory(string setting, string path, ModelContract contract, string[] labels, string sha256)
    {
        _setting = setting;
        NetworkPath = Path.Combine(path, NetworkFile);
        Contract = contract;
        Labels = labels;
        Identity = new ModelIdentity(contract.Name, sha256);
    }

    /// <summary>The full path of <c>model.onnx</c>.</summary>
    public string NetworkPath { get; }

    /// <summary>The input and output of the model.</summary>
    public ModelContract Contract { get; }

    /// <summary>The names of the classes, by index.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>The model's name, and the SHA-256 of all files that affect its results. The hash is the SHA-256 of the
    /// lines that <c>sha256sum</c> prints for <c>model.json</c>, <c>labels.txt</c>, <c>model.onnx</c> and the network's
    /// files of weights. The weights are in the order of their names.</summary>
    public ModelIdentity Identity { get; }

    /// <summary>Reads and checks a model directory. The network itself is only hashed.</summary>
    /// <param name="path">The directory. A relative path is looked up beside the program, then in the working
    /// directory.</param>
    /// <exception cref="InvalidSettingException">The directory or one of its files is missing, unreadable or
    /// wrong.</exception>
    public static ModelDirectory Load(string path)
    {
        var directory = Locate(path);
        if (!Directory.Exists(directory)) throw Defect(path, $"there is no directory {directory}");
        foreach (var name in new[] { NetworkFile, LabelsFile, ContractFile })
        {
            if (Read(name, _ => ModelFiles.Fault(directory, name)) is { } fault) throw Defect(path, fault);
        }

        var contract = Read(ContractFile, file => ModelContract.Parse(File.ReadAllText(file)));
        var labels = Read(LabelsFile, ReadLabels);
        var weights = Read(NetworkFile, ExternalWeights.NamedBy);
        foreach (var name in weights)
        {
            if (Read(name, _ => ModelFiles.WeightsFault(directory, name)) is { } fault) throw Defect(path, fault);
        }

        var sha256 = Read(NetworkFile, _ => ModelFiles.Hash(directory, [ContractFile, LabelsFile, NetworkFile, .. weights]));
        return new ModelDirectory(path, directory, contract, labels, sha256);

        T Read<T>(string name, Func<string, T> read)
        {
            try
            {
                return read(Path.Combine(directory, name));
            }
            catch (FormatException failure)
            {
                throw Defect(path, $"{name} is wrong: {failure.Message}", failure);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                throw Defect(path, $"{name} cannot be read: {failure.Message.TrimEnd('.')}", failure);
            }
        }
    }

    /// <summary>The exception for a defect of this model.</summary>
    /// <param name="clause">The defect, as a clause.</param>
    /// <param name="inner">The cause.</param>
    internal InvalidSettingException Defect(string clause, Exception? inner = null) => Defect(_setting, clause, inner);

    private static InvalidSettingException Defect(string setting, string clause, Exception? inner = null) =>
        new(SettingKey, setting, clause, inner);

    private static string Locate(string path)
    {
        var besideProgram = Path.Combine(AppContext.BaseDirectory, path);
        return Directory.Exists(besideProgram) ? besideProgram : Path.GetFullPath(path);
    }

    private static string[] ReadLabels(string file)
    {
        var labels = File.ReadAllLines(file);
        for (var i = 0; i < labels.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(labels[i])) throw new FormatException($"line {i + 1} is empty");
        }

        return labels.Length > 0 ? labels : throw new FormatException("it has no labels");
    }
}
