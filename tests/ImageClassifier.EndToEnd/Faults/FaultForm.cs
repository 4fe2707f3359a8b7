using System.Globalization;

namespace ImageClassifier.EndToEnd.Faults;

/// <summary>The amount of work in a fault run: the short form, unless <c>IMAGE_CLASSIFIER_FAULTS=long</c> is
/// set.</summary>
/// <param name="Pictures">The number of uploaded pictures.</param>
/// <param name="NodeKills">The number of killed app nodes, if that is the fault.</param>
/// <param name="WebKills">The number of kills of the web tier, if that is the fault.</param>
/// <param name="Outage">The duration of an outage, if that is the fault: longer than a lease and than SQLite waits for
/// a lock.</param>
/// <param name="Limit">A run that takes longer has failed.</param>
internal sealed record FaultForm(int Pictures, int NodeKills, int WebKills, TimeSpan Outage, TimeSpan Limit)
{
    /// <summary>The form that the environment asks for.</summary>
    public static FaultForm Current { get; } = Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_FAULTS") switch
    {
        "long" => new(2000, 20, 3, TimeSpan.FromSeconds(20), TimeSpan.FromMinutes(20)),
        null or "" or "short" => new(240, 4, 2, TimeSpan.FromSeconds(8), TimeSpan.FromMinutes(5)),
        var other => throw new InvalidOperationException($"IMAGE_CLASSIFIER_FAULTS is long or short, not '{other}'."),
    };

    /// <summary>The seed that decides when a fault strikes, and whom: <c>IMAGE_CLASSIFIER_FAULTS_SEED</c>, or
    /// 1.</summary>
    public static int Seed { get; } = int.Parse(
        Environment.GetEnvironmentVariable("IMAGE_CLASSIFIER_FAULTS_SEED") ?? "1", CultureInfo.InvariantCulture);
}
