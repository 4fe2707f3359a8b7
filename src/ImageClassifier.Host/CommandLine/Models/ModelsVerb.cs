using System.CommandLine;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The group of verbs about models.</summary>
internal static class ModelsVerb
{
    /// <summary>The verb <c>models</c>, with its verbs.</summary>
    public static Command Create(params Command[] verbs)
    {
        var models = new Command("models", "Checks models.");
        foreach (var verb in verbs) models.Add(verb);
        return models;
    }
}
