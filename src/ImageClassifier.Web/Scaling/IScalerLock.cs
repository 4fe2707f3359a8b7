namespace ImageClassifier.Web.Scaling;

/// <summary>Lets one scaler at a time use a fleet. A cluster that is split could have two scalers for some seconds; a
/// fleet that lives on one machine can exclude that.</summary>
public interface IScalerLock
{
    /// <summary>Takes the lock.</summary>
    /// <returns>The held lock, which disposal releases; null if another process holds it.</returns>
    IDisposable? TryTake();
}
