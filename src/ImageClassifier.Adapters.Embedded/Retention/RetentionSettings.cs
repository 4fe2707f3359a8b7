namespace ImageClassifier.Adapters.Embedded.Retention;

/// <summary>How long a data folder keeps things.</summary>
/// <param name="Retention">What is older goes.</param>
public sealed record RetentionSettings(TimeSpan Retention);
