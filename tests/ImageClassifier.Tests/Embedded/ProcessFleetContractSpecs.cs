using ImageClassifier.Adapters.Embedded;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core.Ports;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ImageClassifier.Tests.Embedded;

public class ProcessFleetContractSpecs : InstanceFleetContract
{
    protected virtual TimeProvider Time => TimeProvider.System;

    protected override Task<IFleetUnderTest> CreateAsync() =>
        Task.FromResult<IFleetUnderTest>(new ProcessFleetUnderTest(Time));

    private sealed class ProcessFleetUnderTest(TimeProvider time) : IFleetUnderTest
    {
        private readonly TemporaryFolder _folder = new();
        private readonly List<ProcessFleet> _opened = [];

        public IInstanceFleet Open()
        {
            var fleet = TestFleet.Open(_folder.Layout, TestFleet.SleepingChild, time: time);
            _opened.Add(fleet);
            return fleet;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var fleet in _opened)
            {
                await fleet.StopAsync(new CancellationToken(canceled: true));
                await fleet.DisposeAsync();
            }

            _folder.Remove();
        }
    }
}

public sealed class ProcessFleetOnAFastClockContractSpecs : ProcessFleetContractSpecs
{
    protected override TimeProvider Time => new SkewedTimeProvider(TimeSpan.FromHours(7));
}

/// <summary>Fleets whose children are shell scripts, with identities in the test's own process. The end-to-end tests
/// start the program itself as a child.</summary>
internal static class TestFleet
{
    /// <summary>Lives until it is killed.</summary>
    public const string SleepingChild = "exec sleep 300";

    public static ProcessFleet Open(
        EmbeddedLayout layout, string script, TimeSpan? bootTimeout = null, TimeSpan? drainTimeout = null,
        ILogger<ProcessFleet>? log = null, TimeProvider? time = null)
    {
        Requirement.Met(File.Exists("/bin/sh"), "the children of these tests are shell scripts");
        // The script gets the node's arguments as $1 node $2 --data $3 DIR $4 --instance $5 ID.
        var command = new NodeCommand("/bin/sh", ["-c", script, "sh"], []);
        var settings = new ProcessFleetSettings(command);
        settings = settings with
        {
            BootTimeout = bootTimeout ?? settings.BootTimeout,
            DrainTimeout = drainTimeout ?? settings.DrainTimeout,
        };
        return new ProcessFleet(layout, settings, log ?? NullLogger<ProcessFleet>.Instance, time);
    }
}
