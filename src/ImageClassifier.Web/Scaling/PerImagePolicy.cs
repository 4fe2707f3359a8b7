namespace ImageClassifier.Web.Scaling;

/// <summary>Wants one instance for a fixed number of waiting pictures, up to a cap. With one picture per instance and a
/// cap of 19, 5 waiting pictures want 5 instances, and 50 want 19. It is fast and costs many machines.</summary>
/// <param name="picturesPerInstance">Waiting pictures for one instance; at least 1.</param>
/// <param name="maxInstances">The cap.</param>
public sealed class PerImagePolicy(int picturesPerInstance, int maxInstances) : ScalingPolicy
{
    /// <inheritdoc />
    public override ScalingDecision Decide(ScalingSnapshot snapshot)
    {
        if (snapshot.Waiting <= 0) return new ScalingDecision(0, "Nothing waits.");

        var needed = (int)(((long)snapshot.Waiting + picturesPerInstance - 1) / picturesPerInstance);
        var wanted = Math.Min(needed, maxInstances);
        var pictures = snapshot.Waiting == 1 ? "1 picture waits" : $"{snapshot.Waiting} pictures wait";
        var each = picturesPerInstance == 1 ? "one instance each" : $"one instance for {picturesPerInstance}";
        var cap = needed > maxInstances ? $", at most {maxInstances}" : "";
        return new ScalingDecision(wanted, $"{pictures}: {each}{cap}.");
    }
}
