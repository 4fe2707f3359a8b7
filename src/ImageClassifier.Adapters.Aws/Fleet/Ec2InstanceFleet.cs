using System.Text;
using System.Text.RegularExpressions;
using Amazon.EC2;
using Amazon.EC2.Model;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Fleet;

/// <summary>
/// A fleet of EC2 instances, found by their tags, so that it also knows those of an earlier web tier. A launch tries
/// its candidates (a type in a subnet) in order until it has what was asked for.
/// </summary>
/// <remarks>
/// Describing and terminating throw <see cref="IOException"/>, with service, operation and error code, when EC2 refuses
/// or cannot be reached. A launch says so in <see cref="LaunchOutcome.Shortfall"/> instead, because what earlier calls
/// launched is there. The SDK's own retries come before all that. What EC2's states mean here is said at
/// <see cref="FleetView"/>.
/// </remarks>
public sealed partial class Ec2InstanceFleet : IInstanceFleet
{
    /// <summary>The tag that says which deployment an instance belongs to.</summary>
    public const string DeploymentTag = "image-classifier:deployment";

    /// <summary>The tag that tells app nodes from what else a deployment has; its value is
    /// <see cref="NodeRole"/>.</summary>
    public const string RoleTag = "image-classifier:role";

    /// <summary>The value of <see cref="RoleTag"/>.</summary>
    public const string NodeRole = "node";

    // What one page holds at most.
    private const int PageSize = 1000;

    private readonly IAmazonEC2 _ec2;
    private readonly Ec2FleetSettings _settings;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly FleetView _view;
    private readonly IReadOnlyList<LaunchCandidate> _candidates;
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
        _candidates = LaunchCandidate.Of(_settings);
    }

    /// <inheritdoc />
    /// <remarks>Throws <see cref="IOException"/> when what is there already cannot be seen, because then a repeated
    /// launch cannot be told from a new one. Nothing was launched in that case.</remarks>
    public async Task<LaunchOutcome> LaunchAsync(int count, string clientToken, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentException.ThrowIfNullOrEmpty(clientToken);
        var token = LaunchToken.Of(_settings.Deployment, clientToken);
        await _launching.WaitAsync(cancellation);
        try
        {
            // From its beginning it would launch again what was refused before, and by now is not.
            if (_unanswered is { } begun && begun.Is(token, count)) return await FinishAsync(begun, cancellation);

            // EC2's client tokens keep one call from launching twice, but a call that was refused is free to succeed
            // when it is repeated. So a launch that brought anything before is not tried again at all.
            await RefreshAsync(cancellation);
            var before = _view.LaunchedWith(token);
            if (before.Count == 0) return await FinishAsync(new Launch(this, token, count), cancellation);
            return new LaunchOutcome(
                before, before.Count < count ? $"The first launch with this token brought {before.Count}." : null);
        }
        finally
        {
            _launching.Release();
        }
    }

    private async Task<LaunchOutcome> FinishAsync(Launch launch, CancellationToken cancellation)
    {
        _unanswered = launch;
        var outcome = await launch.RunAsync(cancellation);
        _unanswered = null;
        return outcome;
    }

    /// <inheritdoc />
    /// <remarks>What EC2 said is answered again for the describe interval, and calls at the same time share one
    /// answer; so is a failure. Launched instances show at once.</remarks>
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

    private RunInstancesRequest RequestFor(LaunchCandidate candidate, int count, string clientToken)
    {
        List<Tag> tags =
        [
            new(DeploymentTag, _settings.Deployment),
            new(RoleTag, NodeRole),
            new("Name", _settings.NameTag),
        ];
        return new RunInstancesRequest
        {
            MinCount = 1,
            MaxCount = count,
            ClientToken = clientToken,
            LaunchTemplate = Template(),
            ImageId = _settings.Ami,
            InstanceType = candidate.InstanceType is { } type ? InstanceType.FindValue(type) : null,
            SubnetId = candidate.Subnet,
            SecurityGroupIds = _settings.SecurityGroups is { Count: > 0 } groups ? [.. groups] : null,
            KeyName = _settings.KeyName,
            IamInstanceProfile = Profile(),
            UserData = _settings.UserData is { } text ? Convert.ToBase64String(Encoding.UTF8.GetBytes(text)) : null,
            InstanceMarketOptions = _settings.Market == Ec2Market.Spot ? Spot() : null,
            // A machine whose program can do nothing else turns itself off, and must not stay as a stopped one.
            InstanceInitiatedShutdownBehavior = ShutdownBehavior.Terminate,
            MetadataOptions = new InstanceMetadataOptionsRequest
            {
                HttpEndpoint = InstanceMetadataEndpointState.Enabled,
                HttpTokens = HttpTokensState.Required,
                // Only the machine itself, no container behind a bridge.
                HttpPutResponseHopLimit = 1,
            },
            TagSpecifications =
            [
                new TagSpecification { ResourceType = ResourceType.Instance, Tags = tags },
                new TagSpecification { ResourceType = ResourceType.Volume, Tags = tags },
            ],
        };
    }

    private LaunchTemplateSpecification? Template() => _settings.LaunchTemplate switch
    {
        null => null,
        { } id when TemplateIdForm().IsMatch(id) =>
            new LaunchTemplateSpecification { LaunchTemplateId = id, Version = _settings.LaunchTemplateVersion },
        { } name =>
            new LaunchTemplateSpecification { LaunchTemplateName = name, Version = _settings.LaunchTemplateVersion },
    };

    private IamInstanceProfileSpecification? Profile() => _settings.InstanceProfile switch
    {
        null => null,
        { } arn when arn.StartsWith("arn:", StringComparison.Ordinal) =>
            new IamInstanceProfileSpecification { Arn = arn },
        { } name => new IamInstanceProfileSpecification { Name = name },
    };

    // One-time and terminated: a node that was taken away is not to come back by itself. No price limit: EC2 caps the
    // price at that of on demand, and a lower limit only makes for more interruptions.
    private static InstanceMarketOptionsRequest Spot() => new()
    {
        MarketType = MarketType.Spot,
        SpotOptions = new SpotMarketOptions
        {
            SpotInstanceType = SpotInstanceType.OneTime,
            InstanceInterruptionBehavior = InstanceInterruptionBehavior.Terminate,
        },
    };

    [GeneratedRegex("^i-[0-9a-f]{8,17}$")]
    private static partial Regex InstanceIdForm();

    [GeneratedRegex("i-[0-9a-f]{8,17}")]
    private static partial Regex InstanceIdsIn();

    [GeneratedRegex("^lt-[0-9a-f]{8,32}$")]
    private static partial Regex TemplateIdForm();

    /// <summary>One launch: its candidates in order, until it has what was asked for or no other would do. Run again
    /// after a call without an answer, it goes on with that call.</summary>
    private sealed class Launch(Ec2InstanceFleet fleet, LaunchToken token, int asked)
    {
        private readonly List<InstanceId> _launched = [];
        private string? _lastRefusal;
        private string? _exhaustedType;
        private int _candidate;
        private int _attempt;

        // Of the attempt under way; 0 before a candidate's first.
        private int _count;

        private int Missing => asked - _launched.Count;

        public bool Is(LaunchToken other, int count) => other == token && count == asked;

        public async Task<LaunchOutcome> RunAsync(CancellationToken cancellation)
        {
            for (; _candidate < fleet._candidates.Count; _candidate++)
            {
                var candidate = fleet._candidates[_candidate];
                // The quota is the same in every subnet. Without a type there is nothing to tell candidates apart by.
                if (_exhaustedType is not null && candidate.InstanceType == _exhaustedType) continue;
                var refusal = await TryAsync(candidate, cancellation);
                if (Missing <= 0 || refusal == LaunchRefusal.Final) break;
                if (refusal == LaunchRefusal.QuotaReached) _exhaustedType = candidate.InstanceType;
            }

            return new LaunchOutcome(_launched, Missing > 0 ? Shortfall() : null);
        }

        /// <summary>Launches what it can of a candidate. Beyond the quota EC2 launches nothing at all, so half as many
        /// are tried then, down to one.</summary>
        /// <returns>The last refusal; null when the candidate gave all or some.</returns>
        private async Task<LaunchRefusal?> TryAsync(LaunchCandidate candidate, CancellationToken cancellation)
        {
            if (_count == 0) (_count, _attempt) = (Missing, 0);
            LaunchRefusal? refusal = null;
            while (_count > 0)
            {
                try
                {
                    await RunInstancesAsync(candidate, cancellation);
                    (refusal, _count) = (null, 0);
                }
                catch (Exception failure) when (Ec2Failure.Is(failure, cancellation))
                {
                    refusal = LaunchRefusals.Of((failure as AmazonEC2Exception)?.ErrorCode);
                    _lastRefusal = Say(failure);
                    fleet._log.LogWarning("{Count} app nodes, {Candidate}: {Refusal}",
                        _count, candidate, Ec2Failure.Describe("RunInstances", failure));
                    if (refusal == LaunchRefusal.Unanswered) throw Ec2Failure.Of("RunInstances", failure);
                    _count = refusal == LaunchRefusal.QuotaReached ? _count / 2 : 0;
                    _attempt++;
                }
            }

            return refusal;
        }

        private async Task RunInstancesAsync(LaunchCandidate candidate, CancellationToken cancellation)
        {
            var request = fleet.RequestFor(candidate, _count, token.ForAttempt(candidate.Index, _attempt));
            var answer = await fleet._ec2.RunInstancesAsync(request, cancellation);
            var instances = answer.Reservation?.Instances ?? [];
            fleet._view.Launched(instances);
            _launched.AddRange(instances.Select(instance => InstanceId.Parse(instance.InstanceId)));
            if (instances.Count < _count) _lastRefusal = $"EC2 gave {instances.Count} of {_count}";
            fleet._log.LogInformation(
                "{Launched} of {Count} app nodes launched, {Candidate}", instances.Count, _count, candidate);
        }

        private string Shortfall() =>
            fleet._candidates.Count == 1
                ? $"{_lastRefusal}."
                : $"{_lastRefusal} (the last of up to {fleet._candidates.Count} types and subnets).";

        private static string Say(Exception failure) =>
            failure is AmazonEC2Exception { ErrorCode: "IdempotentParameterMismatch" }
                ? "EC2 RunInstances failed: IdempotentParameterMismatch: this launch was begun before with another "
                    + "count or other settings; a new launch needs a new client token"
                : Ec2Failure.Name("RunInstances", failure);
    }
}
