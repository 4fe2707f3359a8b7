namespace ImageClassifier.Adapters.Embedded.Retention;

/// <summary>The settings of <see cref="EmbeddedRetention"/>.</summary>
/// <param name="Retention">Things older than this are deleted.</param>
public sealed record RetentionSettings(TimeSpan Retention);
