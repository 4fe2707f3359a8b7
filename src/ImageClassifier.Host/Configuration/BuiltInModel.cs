using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;

namespace ImageClassifier.Host.Configuration;

/// <summary>The model that comes with the program: the default of the setting.</summary>
internal static class BuiltInModel
{
    /// <summary>The full path of its directory, which an operator may have removed.</summary>
    public static string Folder { get; } =
        Path.GetFullPath(ProgramSettings.DefaultOf(ModelDirectory.SettingKey), AppContext.BaseDirectory);

    /// <summary>Its SHA-256; null if it is not installed on this machine.</summary>
    /// <param name="folderInUse">The directory of the setting's model.</param>
    /// <param name="inUse">The setting's model, so that it is not hashed twice; null if it runs on other
    /// machines.</param>
    public static string? FindSha256(string folderInUse, ModelIdentity? inUse)
    {
        if (inUse is not null && Path.GetFullPath(folderInUse) == Folder) return inUse.Sha256;
        try
        {
            return ModelDirectory.Load(Folder).Identity.Sha256;
        }
        catch (InvalidSettingException)
        {
            // An operator may remove it where another model is used.
            return null;
        }
    }
}
