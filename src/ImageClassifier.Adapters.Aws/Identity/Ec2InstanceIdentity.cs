using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Adapters.Aws.Identity;

/// <summary>
/// The EC2 instance that this program runs on. Its id comes from the instance metadata service (IMDSv2). Every five
/// seconds it asks that service for a spot interruption notice. EC2 gives the notice two minutes ahead, and the node
/// drains. To end, it turns its machine off, because an app node has no permission to terminate an instance.
/// </summary>
/// <remarks>It ignores rebalance recommendations. They come long before an interruption, or without one, and the
/// replacement of a drained node would come from the same pool.</remarks>
public sealed class Ec2InstanceIdentity : IInstanceIdentity, IAsyncDisposable
{
    private const string IdPath = "instance-id";
    private const string SpotActionPath = "spot/instance-action";
    private const int StartAttempts = 5;
    private static readonly TimeSpan StartPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan NoticeInterval = TimeSpan.FromSeconds(5);

    private readonly ImdsClient _imds;
    private readonly IMachineShutdown _shutdown;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _drain = new();
    private readonly CancellationTokenSource _disposed = new();
    private Task _watching = Task.CompletedTask;
    private bool _isDisposed;

    private Ec2InstanceIdentity(
        InstanceId id, ImdsClient imds, IMachineShutdown shutdown, ILogger log, TimeProvider time)
    {
        Id = id;
        _imds = imds;
        _shutdown = shutdown;
        _log = log;
        _time = time;
        DrainRequested = _drain.Token;
    }

    /// <inheritdoc />
    public InstanceId Id { get; }

    /// <inheritdoc />
    public CancellationToken DrainRequested { get; }

    /// <summary>Reads the id, and begins to watch for notices. The metadata service may start after the program, so
    /// this tries for some seconds.</summary>
    /// <param name="shutdown">Turns the machine off, which terminates the instance.</param>
    /// <param name="log">Receives the notice and the shutdown.</param>
    /// <param name="endpoint">The metadata service's address, such as <c>http://169.254.169.254</c>; null for the
    /// address in <c>AWS_EC2_METADATA_SERVICE_ENDPOINT</c>, or else the usual one.</param>
    /// <param name="time">Measures the pauses between requests.</param>
    /// <param name="cancellation">Cancels the start.</param>
    /// <exception cref="IOException">No metadata service answers: this is not an EC2 instance, or the service is turned
    /// off.</exception>
    /// <exception cref="InvalidSettingException">The endpoint is not an HTTP address.</exception>
    public static async Task<Ec2InstanceIdentity> StartAsync(
        IMachineShutdown shutdown, ILogger<Ec2InstanceIdentity> log, string? endpoint, TimeProvider? time,
        CancellationToken cancellation)
    {
        var clock = time ?? TimeProvider.System;
        var imds = new ImdsClient(endpoint);
        try
        {
            var id = await LearnIdAsync(imds, clock, cancellation);
            var identity = new Ec2InstanceIdentity(id, imds, shutdown, log, clock);
            identity._watching = Task.Run(identity.WatchAsync, CancellationToken.None);
            return identity;
        }
        catch
        {
            imds.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    /// <remarks>EC2 keeps no such record.</remarks>
    public Task ReportAsync(InstanceState state, CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc />
    /// <remarks>Turns the machine off. The fleet launches instances so that this terminates them. Cancelling does not
    /// stop the shutdown, because a machine that stays on costs money.</remarks>
    /// <exception cref="IOException">The machine cannot be turned off.</exception>
    public async Task EndAsync(CancellationToken cancellation)
    {
        await _shutdown.ShutDownAsync(CancellationToken.None);
        _log.LogInformation("The machine turns off, which terminates this instance, {Instance}", Id);
    }

    /// <summary>Stops watching.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true)) return;
        await _disposed.CancelAsync();
        await _watching;
        _imds.Dispose();
        _drain.Dispose();
        _disposed.Dispose();
    }

    private static async Task<InstanceId> LearnIdAsync(
        ImdsClient imds, TimeProvider time, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var text = await imds.GetAsync(IdPath, cancellation);
                return InstanceId.TryParse(text?.Trim(), out var id)
                    ? id
                    : throw new IOException($"The instance metadata service gave no instance id but: {text}");
            }
            catch (IOException) when (attempt < StartAttempts)
            {
                await Task.Delay(StartPause, time, cancellation);
            }
        }
    }

    private async Task WatchAsync()
    {
        var wasFailing = false;
        while (!_disposed.IsCancellationRequested)
        {
            try
            {
                // Without a notice the service answers 404.
                if (await _imds.GetAsync(SpotActionPath, _disposed.Token) is { } notice)
                {
                    _log.LogWarning("EC2 takes this spot instance away, so it drains: {Notice}", notice);
                    await _drain.CancelAsync();
                    return;
                }

                wasFailing = false;
            }
            catch (IOException failure)
            {
                if (!wasFailing) _log.LogWarning("Spot notices cannot be read: {Cause}", failure.Message);
                wasFailing = true;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(NoticeInterval, _time, _disposed.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
