using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.Configuration;

/// <summary>The models on this machine that the program can name: the built-in model, and the models of the data
/// folder.</summary>
internal static class InstalledModels
{
    /// <summary>The full path of the directory of a model; null if this machine does not have the model.</summary>
    /// <param name="model">The model. Only its SHA-256 counts.</param>
    /// <param name="layout">The data folder; null on a machine without one.</param>
    public static string? FindFolder(ModelIdentity model, EmbeddedLayout? layout)
    {
        var added = layout is null ? [] : new ModelStore(layout.Models).List().Select(installed => installed.Path);
        return added.Prepend(BuiltInModel.Folder).FirstOrDefault(folder => Sha256In(folder) == model.Sha256);
    }

    private static string? Sha256In(string folder)
    {
        try
        {
            return ModelDirectory.Load(folder).Identity.Sha256;
        }
        catch (InvalidSettingException)
        {
            // Other models do not matter here.
            return null;
        }
    }
}
