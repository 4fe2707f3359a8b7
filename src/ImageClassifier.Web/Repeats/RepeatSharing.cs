namespace ImageClassifier.Web.Repeats;

/// <summary>Whose earlier uploads can answer a picture: <c>image-classifier.uploads.repeats</c>.</summary>
public enum RepeatSharing
{
    /// <summary>Nobody's: each picture is classified.</summary>
    Off,

    /// <summary>Those with the same key. Uploads without a key are one group.</summary>
    OwnKey,

    /// <summary>Everyone's.</summary>
    AllKeys,
}
