using System.Globalization;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>How much a fault run does: the short form, unless <c>IMAGE_CLASSIFIER_FAULTS=long</c> is set.</summary>
/// <param name="Pictures">Pictures uploaded.</param>
/// <param name="NodeKills">App nodes killed, where that is the fault.</param>
/// <param name="WebKills">Times that the web tier is killed, where that is the fault.</param>
/// <param name="Outage">How long something is away, where that is the fault: longer than a lease and than SQLite waits
/// for its turn.</param>
/// <param name="Limit">The run has failed when it has not ended after this time.</param>
internal sealed record FaultForm(int Pictures, int NodeKills, int WebKills, TimeSpan Outage, TimeSpan Limit)
{
    /// <summary>The form that the environment asks for.</summary>
    public static FaultForm Current { get; } = Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_FAULTS") switch
    {
        "long" => new(2000, 20, 3, TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(20)),
        null or "" or "short" => new(240, 4, 2, TimeSpan.FromSeconds(8), TimeSpan.FromMinutes(5)),
        var other => throw new InvalidOperationException($"IMAGE_CLASSIFIER_FAULTS is long or short, not '{other}'."),
    };

    /// <summary>What decides whom the faults hit and when: <c>IMAGE_CLASSIFIER_FAULTS_SEED</c>, or 1.</summary>
    public static int Seed { get; } = int.Parse(
        Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_FAULTS_SEED") ?? "1", CultureInfo.InvariantCulture);
}
