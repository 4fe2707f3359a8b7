using Akka.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Streams.Settings;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Who may ask for callbacks, and where they may go: <c>image-classifier.callbacks</c>.</summary>
/// <param name="Secrets">The secrets that sign deliveries.</param>
/// <param name="Addresses">The addresses of receivers.</param>
public sealed record CallbackSettings(CallbackSecrets Secrets, AddressRules Addresses)
{
    /// <summary>Reads the settings.</summary>
    /// <exception cref="InvalidSettingException">A value is invalid.</exception>
    public static CallbackSettings Create(Config config)
    {
        var callbacks = new SettingsSection(config, "image-classifier.callbacks");
        return new CallbackSettings(
            CallbackSecrets.Create(callbacks.Section("secrets")),
            new AddressRules(callbacks.Networks("allowed-networks")));
    }
}
