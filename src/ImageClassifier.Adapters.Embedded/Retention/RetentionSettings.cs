using ImageClassifier.Core;

namespace ImageClassifier.Adapters.Embedded.Retention;

/// <summary>How long a data folder keeps things.</summary>
public sealed record RetentionSettings
{
    /// <summary>Settings of the retention.</summary>
    /// <param name="retention">What is older goes; from 1 hour to 10 years.</param>
    /// <exception cref="InvalidSettingException">It is out of its range.</exception>
    public RetentionSettings(TimeSpan retention)
    {
        if (retention < TimeSpan.FromHours(1) || retention > TimeSpan.FromDays(3660))
        {
            throw new InvalidSettingException(
                "image-classifier.embedded.retention", $"{retention}", "allowed is from 1 hour to 3660 days");
        }

        Retention = retention;
    }

    /// <summary>What is older goes.</summary>
    public TimeSpan Retention { get; }
}
