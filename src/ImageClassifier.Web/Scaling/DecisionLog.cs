using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>The last decisions, newest first. One that launches nothing and comes to the same as the one before is folded
/// into it.</summary>
internal sealed class DecisionLog(int kept)
{
    private readonly LinkedList<DecisionRecord> _decisions = [];

    /// <summary>A copy of the list.</summary>
    public IReadOnlyList<DecisionRecord> Newest => [.. _decisions];

    /// <summary>Adds a decision.</summary>
    /// <returns>Whether it is news rather than folded.</returns>
    public bool Add(DecisionRecord decision)
    {
        if (decision.Outcome != DecisionOutcome.Launched && _decisions.First is { Value: var last } newest
            && last.Outcome == decision.Outcome)
        {
            newest.Value = last with { Until = decision.Until };
            return false;
        }

        _decisions.AddFirst(decision);
        if (_decisions.Count > kept) _decisions.RemoveLast();
        return true;
    }
}
