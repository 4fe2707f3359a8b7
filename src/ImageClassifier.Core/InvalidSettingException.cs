namespace ImageClassifier.Core;

/// <summary>A setting is missing or wrong, so the program cannot start. The message names the key, the value and the
/// allowed values.</summary>
public sealed class InvalidSettingException : Exception
{
    /// <summary>Shown instead of a value that may be a secret, because messages go to logs and terminals.</summary>
    public const string Hidden = "(hidden)";

    /// <summary>Creates the exception for one setting.</summary>
    /// <param name="key">The setting's full name, or its command-line option.</param>
    /// <param name="value">The value; null if it is not set.</param>
    /// <param name="allowed">The allowed values, or the fault, as a clause: <c>from 1 to 1000</c>. It may end with a
    /// message of the system and its full stop.</param>
    /// <param name="inner">The cause.</param>
    public InvalidSettingException(string key, string? value, string allowed, Exception? inner = null)
        : base($"{key} = {value ?? "(not set)"} is not usable: {allowed.TrimEnd('.')}.", inner)
    {
        Key = key;
        Reason = allowed.TrimEnd('.');
    }

    /// <summary>The setting's full name.</summary>
    public string Key { get; }

    /// <summary>The allowed values, or the fault, as a clause without a full stop.</summary>
    public string Reason { get; }
}
