using System.Text.RegularExpressions;
using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// A fleet of EC2 instances. It finds them by their tags, and so also knows those of an earlier web tier. It launches
/// by CreateFleet, or by RunInstances where CreateFleet cannot: see <see cref="LaunchPlanner"/>.
/// </summary>
/// <remarks>
/// Describing and terminating throw <see cref="IOException"/>, with service, operation and error code, when EC2 refuses
/// or cannot be reached. A launch says so in <see cref="LaunchOutcome.Shortfall"/> instead, because what earlier calls
/// launched is there. The SDK's own retries come first. <see cref="FleetView"/> says what EC2's states mean.
/// </remarks>
public sealed partial class Ec2InstanceFleet : IInstanceFleet
{
    /// <summary>The tag that says which deployment an instance belongs to.</summary>
    public const string DeploymentTag = "image-classifier:deployment";

    /// <summary>The tag that says which deployment's web tier an instance is a node of.</summary>
    public const string WebTag = "image-classifier:web";

    /// <summary>The tag that tells app nodes from what else a deployment has; its value is
    /// <see cref="NodeRole"/>.</summary>
    public const string RoleTag = "image-classifier:role";

    /// <summary>The value of <see cref="RoleTag"/>.</summary>
    public const string NodeRole = "node";

    /// <summary>The tag that says which launch an instance came from.</summary>
    public const string LaunchTag = "image-classifier:launch";

    // What one page holds at most.
    private const int PageSize = 1000;

    private readonly IAmazonEC2 _ec2;
    private readonly Ec2FleetSettings _settings;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly FleetView _view;
    private readonly LaunchPlanner _planner;
    private readonly SemaphoreSlim _launching = new(1);
    private readonly Lock _describeGate = new();
    private Task? _described;
    private long _describedAt;
    private Launch? _unanswered;

    /// <summary>A fleet; nothing is asked of EC2 yet.</summary>
    /// <param name="ec2">The client, which stays the caller's.</param>
    /// <param name="settings">How nodes are launched.</param>
    /// <param name="log">Gets a line for each call that launches or is refused.</param>
    /// <param name="time">Measures how old a description is, and dates what EC2 gives no time for.</param>
    /// <exception cref="InvalidSettingException">The settings are not usable.</exception>
    public Ec2InstanceFleet(
        IAmazonEC2 ec2, Ec2FleetSettings settings, ILogger<Ec2InstanceFleet> log, TimeProvider? time = null)
    {
        _ec2 = ec2;
        _settings = settings.Validated();
        _log = log;
        _time = time ?? TimeProvider.System;
        _view = new FleetView(_time);
        _planner = new LaunchPlanner(ec2, _settings, log);
    }

    /// <inheritdoc />
    /// <remarks>Throws <see cref="IOException"/> when what is there already, or the launch template, cannot be seen for
    /// want of an answer: a repeated launch cannot be told from a new one then. Nothing was launched in that
    /// case.</remarks>
    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentException.ThrowIfNullOrEmpty(clientToken);
        var token = LaunchToken.Of(_settings.Deployment, clientToken);
        await _launching.WaitAsync(cancellation);
        try
        {
            await RefreshAsync(cancellation);
            // From its beginning it would launch again what was refused before, and by now is not.
            if (_unanswered is { } begun && begun.Is(token, count)) return await FinishAsync(begun, cancellation);

            // EC2's client tokens keep one call from launching twice, but a call that was refused is free to succeed
            // when it is repeated. So a launch that brought anything before is not tried again at all.
            var before = _view.LaunchedWith(token);
            if (before.Count > 0)
            {
                return new LaunchOutcome(
                    before, before.Count < count ? $"The first launch with this token brought {before.Count}." : null);
            }

            var plan = await _planner.PlanAsync(cancellation);
            return await FinishAsync(new Launch(token, count, plan, _view, _log), cancellation);
        }
        finally
        {
            _launching.Release();
        }
    }

    private async Task<LaunchOutcome> FinishAsync(Launch launch, CancellationToken cancellation)
    {
        _unanswered = launch;
        try
        {
            var outcome = await launch.RunAsync(cancellation);
            _unanswered = null;
            return outcome;
        }
        finally
        {
            // CreateFleet answers with ids alone, and a lost answer has none. So the next call describes afresh.
            lock (_describeGate) _described = null;
        }
    }

    /// <inheritdoc />
    /// <remarks>What EC2 said is answered again for the describe interval, or until the next launch, and calls at the
    /// same time share one answer; so is a failure. Launched instances show at once.</remarks>
    public async Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation)
    {
        await RefreshAsync(cancellation);
        return _view.Instances();
    }

    /// <inheritdoc />
    public async Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        // EC2 refuses a whole call for one id that is none of its own form.
        var left = instances.Select(instance => instance.Value).Where(id => InstanceIdForm().IsMatch(id)).ToHashSet();
        while (left.Count > 0)
        {
            try
            {
                await _ec2.TerminateInstancesAsync(
                    new TerminateInstancesRequest { InstanceIds = [.. left] }, cancellation);
                return;
            }
            catch (AmazonEC2Exception failure) when (failure.ErrorCode == "InvalidInstanceID.NotFound")
            {
                // Nothing was ended; the message names those that EC2 does not know (any more).
                var unknown = InstanceIdsIn().Matches(failure.Message).Select(match => match.Value).ToArray();
                if (!unknown.Any(left.Remove)) throw Ec2Failure.Of("TerminateInstances", failure);
                left.ExceptWith(unknown);
            }
            catch (Exception failure) when (Ec2Failure.Is(failure, cancellation))
            {
                throw Ec2Failure.Of("TerminateInstances", failure);
            }
        }
    }

    private async Task RefreshAsync(CancellationToken cancellation)
    {
        Task described;
        lock (_describeGate)
        {
            if (_described is null
                || (_described.IsCompleted && _time.GetElapsedTime(_describedAt) >= _settings.DescribeInterval))
            {
                _describedAt = _time.GetTimestamp();
                // Shared by all callers, so none of them can cancel it; the client's own timeouts end it.
                _described = DescribeAllAsync();
            }

            described = _described;
        }

        await described.WaitAsync(cancellation);
    }

    private async Task DescribeAllAsync()
    {
        try
        {
            var instances = new List<Instance>();
            string? page = null;
            do
            {
                var answer = await _ec2.DescribeInstancesAsync(new DescribeInstancesRequest
                {
                    Filters =
                    [
                        new Filter($"tag:{DeploymentTag}", [_settings.Deployment]),
                        new Filter($"tag:{RoleTag}", [NodeRole]),
                    ],
                    MaxResults = PageSize,
                    NextToken = page,
                });
                instances.AddRange((answer.Reservations ?? []).SelectMany(reservation => reservation.Instances ?? []));
                page = answer.NextToken;
            }
            while (!string.IsNullOrEmpty(page));

            _view.Described(instances);
        }
        catch (Exception failure) when (Ec2Failure.Is(failure, CancellationToken.None))
        {
            throw Ec2Failure.Of("DescribeInstances", failure);
        }
    }

    [GeneratedRegex("^i-[0-9a-f]{8,17}$")]
    private static partial Regex InstanceIdForm();

    [GeneratedRegex("i-[0-9a-f]{8,17}")]
    private static partial Regex InstanceIdsIn();
}
