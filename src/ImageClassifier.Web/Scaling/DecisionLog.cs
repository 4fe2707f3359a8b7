using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>The last decisions, newest first. One that launches nothing and comes to the same as the one before is folded
/// into it: it keeps the time of the first, and says what was seen last.</summary>
internal sealed class DecisionLog(int kept)
{
    private readonly LinkedList<DecisionRecord> _decisions = [];

    /// <summary>A copy of the list.</summary>
    public IReadOnlyList<DecisionRecord> Newest => [.. _decisions];

    /// <summary>Adds a decision.</summary>
    /// <returns>Whether it is news rather than folded.</returns>
    public bool Add(DecisionRecord decision)
    {
        if (_decisions.First is { Value: var last } newest && ChangesNothing(decision, last))
        {
            newest.Value = last.Outcome == decision.Outcome
                ? decision with { At = last.At }
                : last with { Until = decision.Until };
            return false;
        }

        _decisions.AddFirst(decision);
        if (_decisions.Count > kept) _decisions.RemoveLast();
        return true;
    }

    /// <summary>After a launch it goes without saying that the launched instances are enough.</summary>
    private static bool ChangesNothing(DecisionRecord decision, DecisionRecord last) =>
        decision.Outcome == DecisionOutcome.Enough
            ? last.Outcome is DecisionOutcome.Enough or DecisionOutcome.Launched
            : decision.Outcome == last.Outcome && decision.Hold == last.Hold
                && decision.Outcome != DecisionOutcome.Launched;
}
