using System.Text.RegularExpressions;
using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Adapters.Aws.Configuration;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// A fleet of EC2 instances. It finds them by their tags, so it also finds those of an earlier web tier. It launches by
/// CreateFleet, or by RunInstances if CreateFleet cannot: see <see cref="LaunchPlanner"/>.
/// </summary>
/// <remarks>
/// Describing and terminating throw <see cref="IOException"/>, with service, operation and error code, if EC2 refuses
/// or cannot be reached. A launch says so in <see cref="LaunchOutcome.Shortfall"/> instead, because its earlier calls
/// may have launched some instances. The SDK retries first. <see cref="KnownInstances"/> says what EC2's states mean.
/// </remarks>
public sealed partial class Ec2InstanceFleet : IInstanceFleet
{
    /// <summary>The tag with the deployment of an instance.</summary>
    public const string DeploymentTag = "image-classifier:deployment";

    /// <summary>The tag with the deployment whose web tier the instance is a node of.</summary>
    public const string WebTag = "image-classifier:web";

    /// <summary>The tag of the deployment's app nodes, with the value <see cref="NodeRole"/>.</summary>
    public const string RoleTag = "image-classifier:role";

    /// <summary>The value of <see cref="RoleTag"/>.</summary>
    public const string NodeRole = "node";

    /// <summary>The tag with the launch that an instance came from.</summary>
    public const string LaunchTag = "image-classifier:launch";

    // EC2's limit.
    private const int PageSize = 1000;

    private readonly IAmazonEC2 _ec2;
    private readonly Ec2FleetSettings _settings;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly KnownInstances _known;
    private readonly LaunchPlanner _planner;
    private readonly SemaphoreSlim _launching = new(1);
    private readonly Lock _describeGate = new();
    private Task? _described;
    private long _describedAt;
    private Launch? _unanswered;

    /// <summary>Creates a fleet. It calls EC2 only when it is used.</summary>
    /// <param name="ec2">The client. The caller disposes it.</param>
    /// <param name="settings">The settings of the launches.</param>
    /// <param name="log">Receives a line for each launch and each refusal.</param>
    /// <param name="time">Measures the age of a description, and dates changes for which EC2 gives no time.</param>
    /// <exception cref="InvalidSettingException">The settings are not usable.</exception>
    public Ec2InstanceFleet(
        IAmazonEC2 ec2, Ec2FleetSettings settings, ILogger<Ec2InstanceFleet> log, TimeProvider? time = null)
    {
        _ec2 = ec2;
        _settings = settings.Validated();
        _log = log;
        _time = time ?? TimeProvider.System;
        _known = new KnownInstances(_time);
        _planner = new LaunchPlanner(ec2, _settings, log);
    }

    /// <inheritdoc />
    /// <remarks>Throws <see cref="IOException"/> if EC2 does not describe the instances or the launch template. Nothing
    /// is launched then, because a repeated launch could not be told from a new one.</remarks>
    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentException.ThrowIfNullOrEmpty(clientToken);
        var token = LaunchToken.Of(_settings.Deployment, clientToken);
        await _launching.WaitAsync(cancellation);
        try
        {
            await RefreshAsync(cancellation);
            // The launch continues with the call that had no answer. From the start, it would repeat earlier calls that
            // EC2 refused, and EC2 may accept them now.
            if (_unanswered is { } begun && begun.Is(token, count)) return await FinishAsync(begun, cancellation);

            // A client token protects only a call that succeeded: EC2 may accept a repeated call that it refused
            // before. So a launch that has instances is not tried again.
            var before = _known.LaunchedWith(token);
            if (before.Count > 0)
            {
                return new LaunchOutcome(
                    before, before.Count < count ? $"The first launch with this token brought {before.Count}." : null);
            }

            var plan = await _planner.PlanAsync(cancellation);
            return await FinishAsync(new Launch(token, count, plan, _known, _log), cancellation);
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
            // CreateFleet answers only with ids, and a lost answer has none. So the next call asks EC2 again.
            lock (_describeGate) _described = null;
        }
    }

    /// <inheritdoc />
    /// <remarks>It makes no call of its own: it shares those of <see cref="DescribeAsync"/>.</remarks>
    public async Task<IReadOnlyList<InstanceId>> FindLaunchedAsync(string clientToken, CancellationToken cancellation)
    {
        await RefreshAsync(cancellation);
        return _known.LaunchedWith(LaunchToken.Of(_settings.Deployment, clientToken));
    }

    /// <inheritdoc />
    /// <remarks>An answer or a failure of EC2 is kept for the describe interval, or until the next launch. Calls at the
    /// same time share it. Launched instances show at once.</remarks>
    public async Task<IReadOnlyList<FleetInstance>> DescribeAsync(CancellationToken cancellation)
    {
        await RefreshAsync(cancellation);
        return _known.Instances();
    }

    /// <inheritdoc />
    public async Task TerminateAsync(IReadOnlyCollection<InstanceId> instances, CancellationToken cancellation)
    {
        // EC2 refuses a whole call for one malformed id.
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
                // EC2 terminated nothing. Its message names the ids that it does not know.
                var unknown = InstanceIdsIn().Matches(failure.Message).Select(match => match.Value).ToArray();
                if (!unknown.Any(left.Remove)) throw AwsFailure.AsIOException("EC2", "TerminateInstances", failure);
                left.ExceptWith(unknown);
            }
            catch (Exception failure) when (AwsFailure.Is(failure, cancellation))
            {
                throw AwsFailure.AsIOException("EC2", "TerminateInstances", failure);
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
                // All callers share the call, so none of them can cancel it. The time limits of the client end it.
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

            _known.Described(instances);
        }
        catch (Exception failure) when (AwsFailure.Is(failure, CancellationToken.None))
        {
            throw AwsFailure.AsIOException("EC2", "DescribeInstances", failure);
        }
    }

    [GeneratedRegex("^i-[0-9a-f]{8,17}$")]
    private static partial Regex InstanceIdForm();

    [GeneratedRegex("i-[0-9a-f]{8,17}")]
    private static partial Regex InstanceIdsIn();
}
