using System.Text.RegularExpressions;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>The settings in the files of the deployment. A misspelt one would stop the start.</summary>
public sealed partial class DeployedSettingsSpecs
{
    public static TheoryData<string> Variables =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy"), "*", SearchOption.AllDirectories)
            .Where(file => !file.Contains("node_modules", StringComparison.Ordinal))
            .SelectMany(file => Variable().Matches(File.ReadAllText(file)))
            .Select(match => match.Value)
            .Distinct()
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Variables))]
    public void Each_variable_is_a_setting(string variable)
    {
        var value = variable.EndsWith("__ENVIRONMENT", StringComparison.Ordinal) ? "aws" : "1";

        ProgramSettings.Load(new SettingsSources
        {
            EnvironmentVariables = new Dictionary<string, string> { [variable] = value },
        });
    }

    [GeneratedRegex("IMAGE_CLASSIFIER__[A-Z0-9]+(_+[A-Z0-9]+)*")]
    private static partial Regex Variable();
}
