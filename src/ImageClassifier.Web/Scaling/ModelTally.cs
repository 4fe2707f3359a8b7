using ImageClassifier.Core.Messages;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>Counts results by model, so that a canary can be compared with the active model. The figures are in memory: a
/// scaler that starts begins anew.</summary>
internal sealed class ModelTally
{
    // More than a rollout has with its canary and its earlier models.
    private const int Kept = 20;

    private readonly List<ModelFigures> _latest = [];

    /// <summary>The models used last, latest first.</summary>
    public IReadOnlyList<ModelFigures> Latest => [.. _latest];

    /// <summary>Adds results. Those without a model are left out.</summary>
    public void Add(JobsDone done, DateTimeOffset now)
    {
        if (done.Model is not { } model) return;
        var figures = _latest.Find(known => IsSame(known.Model, model)) ?? new ModelFigures(model, now, 0, 0, 0);
        _latest.Remove(figures);
        _latest.Insert(0, figures with
        {
            Classified = figures.Classified + done.Jobs - done.Failed,
            Failed = figures.Failed + done.Failed,
            ConfidenceSum = figures.ConfidenceSum + done.ConfidenceSum,
        });
        if (_latest.Count > Kept) _latest.RemoveAt(Kept);
    }

    // Results of earlier versions do not say the number of classes.
    private static bool IsSame(ModelIdentity one, ModelIdentity other) =>
        one.Sha256 == other.Sha256 && one.Name == other.Name;
}
