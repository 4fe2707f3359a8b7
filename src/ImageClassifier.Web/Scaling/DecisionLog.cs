using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Web.Scaling;

/// <summary>The last decisions, newest first. A decision that changes nothing is merged into the one before it. The
/// merged entry keeps the first time and shows the last snapshot.</summary>
internal sealed class DecisionLog(int kept)
{
    private readonly LinkedList<DecisionRecord> _decisions = [];

    /// <summary>A copy of the list.</summary>
    public IReadOnlyList<DecisionRecord> Newest => [.. _decisions];

    /// <summary>Adds a decision.</summary>
    /// <returns>False if the decision was merged into the one before it.</returns>
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

    /// <summary>Right after a launch, "enough" says nothing new.</summary>
    private static bool ChangesNothing(DecisionRecord decision, DecisionRecord last) =>
        decision.Outcome == DecisionOutcome.Enough
            ? last.Outcome is DecisionOutcome.Enough or DecisionOutcome.Launched
            : decision.Outcome == last.Outcome && decision.Hold == last.Hold
                && decision.Outcome != DecisionOutcome.Launched;
}
