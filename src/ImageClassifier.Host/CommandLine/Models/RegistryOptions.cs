using ImageClassifier.Host.Configuration;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The arguments of a verb on the registry of models, in the store of the settings' environment.</summary>
/// <param name="Settings">The user's settings, <c>--data</c> among them.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public abstract record RegistryOptions(SettingsSources Settings, bool Json) : ModelsOptions(Settings, Json);

/// <summary>The arguments of <c>models push</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="What">The name of a model in the data folder, or a model directory.</param>
/// <param name="Name">The name that the model gets in the registry; null for its own.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsPushOptions(SettingsSources Settings, string What, string? Name, bool Json)
    : RegistryOptions(Settings, Json);

/// <summary>The arguments of <c>models registry</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Json">Whether to print JSON rather than a table.</param>
public sealed record ModelsRegistryOptions(SettingsSources Settings, bool Json) : RegistryOptions(Settings, Json);

/// <summary>The arguments of <c>models activate</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Model"><c>NAME</c> or <c>NAME@SHA</c>.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsActivateOptions(SettingsSources Settings, string Model, bool Json)
    : RegistryOptions(Settings, Json);

/// <summary>The arguments of <c>models canary</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Model"><c>NAME</c> or <c>NAME@SHA</c>.</param>
/// <param name="Share">The share of the new batches, as the user wrote it.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsCanaryOptions(SettingsSources Settings, string Model, string Share, bool Json)
    : RegistryOptions(Settings, Json);

/// <summary>The arguments of <c>models rollback</c>.</summary>
/// <param name="Settings">The user's settings.</param>
/// <param name="Json">Whether to print JSON rather than lines.</param>
public sealed record ModelsRollbackOptions(SettingsSources Settings, bool Json) : RegistryOptions(Settings, Json);
