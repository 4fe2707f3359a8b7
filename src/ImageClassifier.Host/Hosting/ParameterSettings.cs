using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Hosting;

/// <summary>Fetches the settings that AWS keeps, once, at the start of a verb.</summary>
internal static class ParameterSettings
{
    /// <summary>The same sources with the parameter's text, where the settings name a parameter.</summary>
    /// <param name="sources">What the user says.</param>
    /// <param name="read">Reads a parameter by region and name.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="Core.InvalidSettingException">There is no such parameter, or it may not be read.</exception>
    /// <exception cref="IOException">SSM did not answer in time, or failed.</exception>
    public static async Task<SettingsSources> FetchAsync(
        SettingsSources sources,
        Func<string, string, CancellationToken, Task<string>> read,
        CancellationToken cancellation)
    {
        var config = ProgramSettings.LoadWithoutParameter(sources);
        if (config.GetString(SettingsParameter.Key) is not { Length: > 0 } name) return sources;
        var text = await read(config.GetString(AwsSettings.RegionKey), name, cancellation);
        return sources with { Parameter = new ParameterText(name, text) };
    }
}
