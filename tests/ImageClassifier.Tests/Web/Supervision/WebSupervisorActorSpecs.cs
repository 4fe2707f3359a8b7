using Akka.Actor;
using Akka.TestKit;
using ImageClassifier.Web.Supervision;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Web.Results.ResultListenerProtocol;
using static ImageClassifier.Web.Scaling.ScalerProtocol;
using static ImageClassifier.Web.Supervision.WebSupervisorProtocol;

namespace ImageClassifier.Tests.Web.Supervision;

public sealed class WebSupervisorActorSpecs : WebSpecs
{
    private readonly TestProbe _listener;
    private readonly TestProbe _scaler;

    public WebSupervisorActorSpecs(ITestOutputHelper output)
        : base(output)
    {
        _listener = CreateTestProbe();
        _scaler = CreateTestProbe();
    }

    [Fact]
    public async Task It_drains_once_and_answers_every_request_to_drain()
    {
        var supervisor = Start(_scaler);
        var second = CreateTestProbe();
        supervisor.Tell(DrainTier.Instance, TestActor);
        supervisor.Tell(DrainTier.Instance, second);
        await _scaler.ExpectMsgAsync<StopLaunching>();
        await _listener.ExpectMsgAsync<DrainListener>();
        Assert.True(await HeardNothingAsync(second));

        _listener.Reply(ListenerDrained.Instance);
        await ExpectMsgAsync<TierDrained>();
        await second.ExpectMsgAsync<TierDrained>();
        await AskAsync<TierDrained>(supervisor, DrainTier.Instance);
        Assert.False(_listener.HasMessages);
    }

    [Fact]
    public async Task A_node_that_drains_does_not_stop_the_scaler_of_the_tier()
    {
        var supervisor = Start(scaler: null);
        supervisor.Tell(DrainTier.Instance, TestActor);
        await _listener.ExpectMsgAsync<DrainListener>();
        Assert.True(await HeardNothingAsync(_scaler));
    }

    [Fact]
    public async Task The_node_shuts_down_when_one_of_its_actors_ends_for_good()
    {
        Start(_scaler);
        Sys.Stop(_listener);
        await Sys.WhenTerminated.WaitAsync(RealLimit);
    }

    private IActorRef Start(IActorRef? scaler)
    {
        IActorRef listener = _listener;
        return Sys.ActorOf(Props.Create(() => new WebSupervisorActor(listener, scaler, new[] { listener })));
    }
}
