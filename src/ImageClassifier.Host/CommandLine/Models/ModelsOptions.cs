using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The arguments of a verb below <c>models</c>.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public abstract record ModelsOptions(SettingsSources Settings, bool Json);

/// <summary>The arguments of <c>models add</c>. Null if not given.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="What">A name of the catalogue, an address, or a model directory.</param>
/// <param name="Name">The name that the model gets.</param>
/// <param name="Sha256">The SHA-256 of the file at the address.</param>
/// <param name="Contract">The path of a <c>model.json</c> for the file at the address.</param>
/// <param name="Labels">The path of a <c>labels.txt</c> for the file at the address.</param>
/// <param name="AllowHttp">True to allow an address without encryption.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsAddOptions(
    SettingsSources Settings,
    string What,
    string? Name,
    string? Sha256,
    string? Contract,
    string? Labels,
    bool AllowHttp,
    bool Json) : ModelsOptions(Settings, Json);

/// <summary>The arguments of <c>models list</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record ModelsListOptions(SettingsSources Settings, bool Json) : ModelsOptions(Settings, Json);

/// <summary>The arguments of <c>models show</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Name">The name of the model.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsShowOptions(SettingsSources Settings, string Name, bool Json) : ModelsOptions(Settings, Json);

/// <summary>The arguments of <c>models remove</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Name">The name of the model.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsRemoveOptions(SettingsSources Settings, string Name, bool Json) : ModelsOptions(Settings, Json);
