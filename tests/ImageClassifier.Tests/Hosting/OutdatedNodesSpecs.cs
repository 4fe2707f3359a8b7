using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Tests.Embedded;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Hosting;

/// <summary>Nodes of an earlier web tier, as identities in this process.</summary>
public sealed class OutdatedNodesSpecs : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<ProcessInstanceIdentity> _nodes = [];
    private readonly IObjectStore _store;
    private readonly ProcessFleet _fleet;

    public OutdatedNodesSpecs()
    {
        _store = new FileObjectStore(_folder.Layout);
        _fleet = TestFleet.Open(_folder.Layout, TestFleet.SleepingChild);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        await _fleet.DisposeAsync();
        _folder.Remove();
    }

    [Fact]
    public async Task Nodes_with_another_fingerprint_or_none_drain_and_equal_ones_stay()
    {
        var equal = await NodeAsync("equal", "new");
        var other = await NodeAsync("other", "old");
        var unknown = await NodeAsync("unknown", fingerprint: null);

        await DrainAsync();

        Assert.False(equal.DrainRequested.IsCancellationRequested);
        Assert.True(other.DrainRequested.IsCancellationRequested);
        Assert.True(unknown.DrainRequested.IsCancellationRequested);
        var states = (await _fleet.DescribeAsync(default)).ToDictionary(seen => seen.Id, seen => seen.State);
        Assert.Equal(InstanceState.Running, states[equal.Id]);
        Assert.Equal(InstanceState.Draining, states[other.Id]);
    }

    [Fact]
    public async Task While_other_web_nodes_run_a_node_without_a_record_goes_on()
    {
        var other = await NodeAsync("other", "old");
        var booting = await ProcessInstanceIdentity.StartAsync(
            _folder.Layout, InstanceId.Parse("booting"), null, default);
        _nodes.Add(booting);

        await DrainAsync(isTierRunning: true);

        Assert.True(other.DrainRequested.IsCancellationRequested);
        Assert.False(booting.DrainRequested.IsCancellationRequested);
    }

    [Fact]
    public async Task A_node_that_does_not_react_is_terminated()
    {
        var deaf = await NodeAsync("deaf", "old", answers: false);

        await DrainAsync();

        await Contracts.Condition.BecomesTrueAsync(
            () => Task.FromResult(deaf.TerminateRequested.IsCancellationRequested), "it is to end at once");
    }

    private Task DrainAsync(bool isTierRunning = false) =>
        new OutdatedNodes(_fleet, _store, "new", isTierRunning, NullLogger<OutdatedNodes>.Instance, TimeProvider.System)
            .DrainAsync(default);

    private async Task<ProcessInstanceIdentity> NodeAsync(string name, string? fingerprint, bool answers = true)
    {
        var node = await ProcessInstanceIdentity.StartAsync(_folder.Layout, InstanceId.Parse(name), null, default);
        _nodes.Add(node);
        if (answers)
            node.DrainRequested.Register(() => _ = node.ReportAsync(InstanceState.Draining, CancellationToken.None));
        await node.ReportAsync(InstanceState.Running, default);
        var record = new NodeRecord(node.Id, InstanceState.Running, 1, null, null) { Fingerprint = fingerprint };
        await _store.PutAsync(ObjectKeys.Node(node.Id), WireJson.WriteUtf8(record), default);
        return node;
    }
}
