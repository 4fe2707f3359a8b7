using System.Diagnostics.CodeAnalysis;
using ImageClassifier.Core.Storage;

namespace ImageClassifier.Core.Registry;

/// <summary>The keys of the registry of models in the store.</summary>
public static class RegistryKeys
{
    /// <summary>Which models new batches get: a <see cref="ModelRollout"/>.</summary>
    public const string Rollout = $"{ObjectKeys.Models}active.json";

    /// <summary>The prefix of one version of a model.</summary>
    public static string Of(ModelReference model) => $"{ObjectKeys.Models}{model.Name}/{model.Sha256}/";

    /// <summary>The list of a model's files: a <see cref="PushedModel"/>.</summary>
    public static string Files(ModelReference model) => $"{Of(model)}files.json";

    /// <summary>Reads the model from the key of its list of files.</summary>
    public static bool TryParseFiles(string key, [NotNullWhen(true)] out ModelReference? model)
    {
        model = key.Split('/') is [_, var name, var sha256, _] ? new ModelReference(name, sha256) : null;
        if (model is { IsValid: true } && key == Files(model)) return true;
        model = null;
        return false;
    }

    /// <summary>Whether nodes can use a model: a <see cref="ModelVerdict"/>.</summary>
    public static string Verdict(ModelReference model) => $"{Of(model)}verdict.json";

    /// <summary>The bytes of a file of a model, by their hash.</summary>
    public static string File(ModelReference model, PushedFile file) => $"{Of(model)}{file.Sha256}";
}
