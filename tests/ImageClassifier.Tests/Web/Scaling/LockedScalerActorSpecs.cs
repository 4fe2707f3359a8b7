using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Core;
using ImageClassifier.Web.Scaling;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Scaling;

public sealed class LockedScalerActorSpecs(ITestOutputHelper output) : WebSpecs(output)
{
    [Fact]
    public async Task The_scaler_works_only_while_the_lock_is_held_and_questions_wait_for_it()
    {
        var fleetLock = new FleetLock { IsTaken = true };
        var scaler = CreateTestProbe();
        var locked = Start(fleetLock, scaler);
        locked.Tell(new WorkSent(1));
        locked.Tell(GetFleet.Instance);
        await AdvanceAsync(TimeSpan.FromSeconds(30), TimeSpan.FromMilliseconds(500));
        Assert.False(scaler.HasMessages);

        fleetLock.IsTaken = false;
        await AdvanceUntilAsync(() => scaler.HasMessages, "the scaler gets the question", TimeSpan.FromMilliseconds(500));
        await scaler.ExpectMsgAsync<GetFleet>();
        Assert.True(fleetLock.IsTaken);
        locked.Tell(new JobsDone(InstanceId.Parse("node-1"), 1));
        await scaler.ExpectMsgAsync<JobsDone>();

        Watch(locked);
        Sys.Stop(locked);
        await ExpectTerminatedAsync(locked);
        Assert.False(fleetLock.IsTaken);
    }

    private IActorRef Start(FleetLock fleetLock, TestProbe scaler)
    {
        IActorRef target = scaler;
        var props = Props.Create(() => new Forwarder(target));
        return Sys.ActorOf(Props.Create(() => new LockedScalerActor(fleetLock, props)));
    }

    private sealed class Forwarder : ReceiveActor
    {
        public Forwarder(IActorRef target) => ReceiveAny(target.Forward);
    }

    private sealed class FleetLock : IScalerLock, IDisposable
    {
        public bool IsTaken { get; set; }

        public IDisposable? TryTake()
        {
            if (IsTaken) return null;
            IsTaken = true;
            return this;
        }

        public void Dispose() => IsTaken = false;
    }
}
