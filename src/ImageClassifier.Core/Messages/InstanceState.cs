namespace ImageClassifier.Core.Messages;

/// <summary>The states of an instance, in the order of its life.</summary>
public enum InstanceState
{
    /// <summary>Launched; its node has not polled yet.</summary>
    Pending,

    /// <summary>Its node receives jobs.</summary>
    Running,

    /// <summary>Its node receives no more jobs and finishes those in hand.</summary>
    Draining,

    /// <summary>The instance is gone.</summary>
    Ended,
}
