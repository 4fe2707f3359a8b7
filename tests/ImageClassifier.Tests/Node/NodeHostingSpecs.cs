using Akka.Hosting;
using ImageClassifier.Adapters.Embedded.Storage;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node;
using ImageClassifier.Node.Hosting;
using ImageClassifier.Streams.Settings;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Contracts;
using ImageClassifier.Tests.Embedded;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace ImageClassifier.Tests.Node;

/// <summary>A hosted node, in real time and on real threads.</summary>
public sealed class NodeHostingSpecs : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeMessageQueue _requests = new(TimeProvider.System);
    private readonly FakeMessageQueue _responses = new(TimeProvider.System);
    private readonly InMemoryObjectStore _store = new(TimeProvider.System);
    private readonly FakeImageClassifier _classifier = new();
    private readonly FakeInstanceIdentity _identity = new();

    public void Dispose() => _identity.Dispose();

    [Fact]
    public async Task A_hosted_node_classifies_on_its_own_threads_and_then_stops_the_host()
    {
        string? thread = null;
        _classifier.WhileClassifying = _ => thread = Thread.CurrentThread.Name;
        var request = Jobs.Request();
        _store.Set(request.ImageKey!, "cat");
        _requests.Put(WireJson.Write(request), request.Job.Value);
        using var host = BuildHost("image-classifier.node.polling.wait-time = 100ms");
        await host.StartAsync();

        await host.WaitForShutdownAsync().WaitAsync(Limit, TimeProvider.System);
        Assert.Single(_requests.Deleted);
        Assert.Single(_responses.Visible);
        Assert.Equal(1, _identity.Ends);
        Assert.Contains("classifier-dispatcher", thread, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopping_host_drains_its_node()
    {
        using var host = BuildHost("image-classifier.node.termination.max-empty-polls = 1000");
        await host.StartAsync();
        while (_requests.PollsWaiting == 0) await Task.Yield();

        await host.StopAsync().WaitAsync(Limit, TimeProvider.System);
        Assert.Equal(
            [InstanceState.Running, InstanceState.Draining, InstanceState.Ended], _identity.Reports);
    }

    [Fact]
    public async Task A_node_keeps_a_record_in_the_store_until_it_has_ended()
    {
        var folder = new TemporaryFolder();
        var store = new FileObjectStore(folder.Layout);
        var request = Jobs.Request();
        await store.PutAsync(request.ImageKey!, "cat"u8.ToArray(), default);
        using var host = BuildHost("", store, recordInterval: TimeSpan.FromSeconds(1));
        await host.StartAsync();

        var first = await UntilRecordAsync(_ => true);
        Assert.Equal(
            new NodeRecord(_identity.Id, InstanceState.Running, 0, null, _classifier.Model)
            {
                Arrangement = new RunArrangement(1, Environment.ProcessorCount, 4),
            },
            first);
        _requests.Put(WireJson.Write(request), request.Job.Value);
        await UntilRecordAsync(record => record.PicturesDone == 1);

        _identity.RequestDrain();
        await host.WaitForShutdownAsync().WaitAsync(Limit, TimeProvider.System);
        await foreach (var found in store.ListAsync(ObjectKeys.Nodes, default)) Assert.Fail($"{found.Key} is left");
        folder.Remove();

        async Task<NodeRecord> UntilRecordAsync(Func<NodeRecord, bool> condition)
        {
            NodeRecord? record = null;
            await Condition.BecomesTrueAsync(
                async () =>
                {
                    record = (await store.ReadDocumentAsync<NodeRecord>(ObjectKeys.Node(_identity.Id), default)).OrNull;
                    return record is not null && condition(record);
                },
                "the record has the reason");
            return record!;
        }
    }

    private IHost BuildHost(string changes, IObjectStore? store = null, TimeSpan? recordInterval = null)
    {
        var reference = File.ReadAllText(Path.Combine(Repository.Root, "hocon", "reference.conf"));
        var config = Akka.Configuration.ConfigurationFactory.ParseString(changes)
            .WithFallback(Akka.Configuration.ConfigurationFactory.ParseString(reference));
        var settings = NodeSettings.Create(config);
        if (recordInterval is { } interval) settings = settings with { Records = new NodeRecordSettings(interval, interval) };
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
        builder.Services
            .AddSingleton(new QueuePair(_requests, _responses))
            .AddSingleton(store ?? _store)
            .AddSingleton<IImageClassifier>(_classifier)
            .AddSingleton<IIsolatedClassifier>(new FakeIsolatedClassifier())
            .AddSingleton<IModelSource>(new FakeModelSource())
            .AddSingleton<IInstanceIdentity>(_identity)
            .AddAkka("image-classifier", akka => akka
                .AddHocon(config, HoconAddMode.Append)
                .WithAppNode(settings));
        return builder.Build();
    }
}
