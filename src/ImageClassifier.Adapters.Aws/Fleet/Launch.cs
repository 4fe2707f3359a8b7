using Amazon.EC2;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>One launch. It takes its steps in order, until it has all instances or no further step would help. After a
/// call without an answer, a second run continues with that call.</summary>
internal sealed class Launch(LaunchToken token, int asked, LaunchPlan plan, KnownInstances known, ILogger log)
{
    private readonly List<InstanceId> _launched = [];
    private readonly List<string> _reasons = [];
    private IReadOnlyList<LaunchStep> _steps = plan.Steps;
    private string? _exhaustedGroup;
    private bool _hadEmptyAnswer;
    private int _step;
    private int _attempt;

    // The number that the current attempt requests; 0 before a step's first attempt.
    private int _count;

    private int Missing => asked - _launched.Count;

    /// <summary>True if this launch has this token and count.</summary>
    public bool Is(LaunchToken other, int count) => other == token && count == asked;

    /// <summary>Takes the steps.</summary>
    /// <exception cref="IOException">EC2 gave no answer, and may have launched.</exception>
    public async Task<LaunchOutcome> RunAsync(CancellationToken cancellation)
    {
        // An earlier call without an answer may have launched, and descriptions may show it by now.
        Add(known.LaunchedWith(token));
        while (Missing > 0 && _step < _steps.Count)
        {
            var step = _steps[_step];
            var isExhausted = _exhaustedGroup is not null && step.QuotaGroup == _exhaustedGroup;
            var refusal = isExhausted ? null : await TryAsync(step, cancellation);
            if (refusal is LaunchRefusal.Final or LaunchRefusal.Throttled) break;
            if (refusal == LaunchRefusal.QuotaReached) _exhaustedGroup = step.QuotaGroup;
            if (refusal == LaunchRefusal.NoFleet) (_steps, _step) = (plan.Fallback, 0);
            else _step++;
        }

        return new LaunchOutcome(_launched, Missing > 0 ? string.Join(". ", _reasons) : null);
    }

    /// <summary>Takes one step. EC2 may refuse a request beyond a quota as a whole, so the step then requests half as
    /// many, down to one.</summary>
    /// <returns>The last refusal; null if the step launched all or some.</returns>
    private async Task<LaunchRefusal?> TryAsync(LaunchStep step, CancellationToken cancellation)
    {
        if (_count == 0) (_count, _attempt) = (Missing, 0);
        LaunchRefusal? refusal = null;
        while (_count > 0)
        {
            refusal = await AskAsync(step, cancellation);
            _count = refusal == LaunchRefusal.QuotaReached ? _count / 2 : 0;
            _attempt++;
        }

        return refusal;
    }

    private async Task<LaunchRefusal?> AskAsync(LaunchStep step, CancellationToken cancellation)
    {
        LaunchAnswer answer;
        try
        {
            answer = await step.AskAsync(_count, token, token.ForAttempt(step.Key, _attempt), cancellation);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
        {
            log.LogWarning("{Count} app nodes, {Step}: {Refusal}",
                _count, step, AwsFailure.Describe("EC2", step.Operation, failure));
            var code = (failure as AmazonEC2Exception)?.ErrorCode;
            var refusal = LaunchRefusals.Of(code);
            if (refusal == LaunchRefusal.Unanswered) throw AwsFailure.AsIOException("EC2", step.Operation, failure);
            if (refusal != LaunchRefusal.NoFleet) Note(LaunchAdvice.For(code!));
            return refusal;
        }

        return Take(step, answer);
    }

    private LaunchRefusal? Take(LaunchStep step, LaunchAnswer answer)
    {
        var launched = answer.Instances.Count;
        known.Launched(token, answer.Instances);
        Add(answer.Instances.Select(instance => InstanceId.Parse(instance.InstanceId)));
        log.LogInformation("{Launched} of {Count} app nodes launched, {Step}", launched, _count, step);
        // EC2 gives an error for each type and subnet. Log equal ones once.
        foreach (var error in answer.Errors.Distinct())
            log.LogWarning("{Step}: EC2 {Operation}: {Code}: {Message}",
                step, step.Operation, error.Code, error.Message);
        if (launched >= _count) return null;
        if (launched == 0 && answer.Errors.Count == 0 && !_hadEmptyAnswer)
        {
            // EC2's answer to a repeated call need not name the instances of the first.
            _hadEmptyAnswer = true;
            throw new IOException($"EC2 {step.Operation} answered with neither instances nor errors.");
        }

        foreach (var error in answer.Errors) Note(LaunchAdvice.For(error.Code));
        if (answer.Errors.Count == 0) Note($"EC2 launched {launched} of {_count} and gave no reason");
        return LaunchRefusals.Of(launched, [.. answer.Errors.Select(error => error.Code)]);
    }

    private void Add(IEnumerable<InstanceId> instances) => _launched.AddRange(instances.Except(_launched));

    private void Note(string reason)
    {
        if (!_reasons.Contains(reason)) _reasons.Add(reason);
    }
}
