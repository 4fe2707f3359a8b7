using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Host.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

/// <summary>Settings as a user gives them.</summary>
internal static class Sources
{
    public static SettingsSources Set(params string[] assignments) => new() { Assignments = assignments };

    public static SettingsSources Variables(params (string Name, string Value)[] variables) =>
        new() { EnvironmentVariables = variables.ToDictionary(variable => variable.Name, variable => variable.Value) };

    /// <summary>The settings with some assignments, as the web tier reads them.</summary>
    public static Config With(params string[] assignments) => ProgramSettings.Load(Set(assignments));

    /// <summary>The error of some settings.</summary>
    public static InvalidSettingException Wrong(SettingsSources sources) =>
        Assert.Throws<InvalidSettingException>(() => ProgramSettings.Load(sources));
}
