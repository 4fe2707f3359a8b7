using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.Hosting;

/// <summary>Reads the settings that are kept in a parameter on AWS, once at the start of a verb.</summary>
internal static class ParameterSettings
{
    /// <summary>Adds the parameter's text to the sources, if the settings name a parameter.</summary>
    /// <param name="sources">The user's settings.</param>
    /// <param name="read">Reads a parameter by its region and name.</param>
    /// <param name="cancellation">Cancels the read.</param>
    /// <exception cref="Core.InvalidSettingException">The parameter does not exist, or this program may not read
    /// it.</exception>
    /// <exception cref="IOException">SSM failed, or did not answer in time.</exception>
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
