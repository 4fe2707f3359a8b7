using Akka.Actor;
using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Models;
using ImageClassifier.Node.Polling;
using ImageClassifier.Node.Records;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>Batches without a model of the registry, on nodes with different settings.</summary>
public sealed class BatchModelsSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private static readonly ModelIdentity Old = new("old", new string('1', 64));
    private static readonly ModelIdentity New = new("new", new string('2', 64));
    private static readonly ModelReference Pushed = new("pushed", Old.Sha256);

    private readonly BatchId _batch = BatchId.New();

    [Fact]
    public async Task The_first_node_of_a_batch_gives_it_its_own_model_and_others_follow()
    {
        Models.Installed = [Old, New];
        using var first = NodeWith(Old);
        using var second = NodeWith(New);

        Assert.Equal(Old, await ModelOfAsync(first));
        Assert.Equal(Old, await ModelOfAsync(second));
        Assert.Equal(New, await ModelOfAsync(second, Request(BatchId.New())));
        Assert.Equal(new BatchModel(_batch, Old), Store.DocumentAt<BatchModel>(ObjectKeys.BatchModel(_batch)));
    }

    [Fact]
    public async Task A_model_that_is_not_installed_comes_from_the_registry_with_its_verdict()
    {
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        Store.Set(RegistryKeys.Files(new ModelReference("other", New.Sha256)), "{}");
        Store.Set(RegistryKeys.Files(Pushed), "{}");

        await ModelOfAsync(first);
        Assert.Equal(FakeModelSource.IdentityOf(Pushed), await ModelOfAsync(second));
        Assert.True(Store.DocumentAt<ModelVerdict>(RegistryKeys.Verdict(Pushed))!.IsUsable);
    }

    [Fact]
    public async Task A_node_that_cannot_get_the_model_goes_on_with_its_own_and_says_so_once()
    {
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);
        await EventFilter.Warning(contains: "results of two models").ExpectAsync(1, async () =>
        {
            Assert.Equal(New, await ModelOfAsync(second));
            Models.Installed = [Old];
            Assert.Equal(New, await ModelOfAsync(second));
        });

        Assert.Equal(Old, await ModelOfAsync(first));
    }

    [Theory]
    [InlineData(typeof(InvalidSettingException))]
    [InlineData(typeof(ModelNotLoadedException))]
    [InlineData(typeof(OutOfMemoryException))]
    public async Task A_model_that_cannot_be_loaded_costs_no_picture(Type failure)
    {
        Models.Installed = [Old];
        Models.Before = _ => Task.FromException(
            failure == typeof(InvalidSettingException) ? new InvalidSettingException("model", "old", "it is damaged")
            : failure == typeof(ModelNotLoadedException) ? new ModelNotLoadedException("The disk is full.")
            : new InsufficientMemoryException());
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);

        Assert.Equal(New, await ModelOfAsync(second));
    }

    [Fact]
    public async Task A_model_of_the_registry_that_nodes_refuse_is_not_used()
    {
        Store.Set(RegistryKeys.Files(Pushed), "{}");
        Store.Set(
            RegistryKeys.Verdict(Pushed), WireJson.Write(new ModelVerdict(IsUsable: false, "it is bad", Identity.Id)));
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);

        Assert.Equal(New, await ModelOfAsync(second));
        Assert.Empty(Models.Loads);
    }

    [Fact]
    public async Task A_job_that_was_received_often_gets_the_own_model_in_case_the_other_one_ends_nodes()
    {
        Models.Installed = [Old];
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);

        Assert.Equal(Old, await ModelOfAsync(second, receives: 3));
        Assert.Equal(New, await ModelOfAsync(second, receives: 4));
    }

    [Fact]
    public async Task A_job_that_was_received_often_does_not_need_the_agreement()
    {
        Store.Before = (_, key) => key == ObjectKeys.BatchModel(_batch)
            ? Task.FromException(new IOException("There is a folder.")) : Task.CompletedTask;
        using var node = NodeWith(New);

        await Assert.ThrowsAsync<IOException>(() => ModelOfAsync(node, receives: 3));
        Assert.Equal(New, await ModelOfAsync(node, receives: 4));
    }

    [Fact]
    public async Task An_agreement_that_may_not_be_read_is_none()
    {
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);
        Store.FailNext(StoreCall.Get, failure: new StoreRefusedException("Access denied."));

        Assert.Equal(New, await ModelOfAsync(second));
    }

    [Fact]
    public async Task A_batch_costs_one_call_of_its_first_node_and_two_of_others()
    {
        using var first = NodeWith(Old);
        using var second = NodeWith(Old);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ModelOfAsync(first)));
        Assert.Equal((1, 0), (Store.CallsOf(StoreCall.PutIfAbsent), Store.CallsOf(StoreCall.Get)));

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ModelOfAsync(second)));
        Assert.Equal((2, 1), (Store.CallsOf(StoreCall.PutIfAbsent), Store.CallsOf(StoreCall.Get)));
    }

    [Fact]
    public async Task A_batch_of_one_job_costs_no_call()
    {
        using var node = NodeWith(Old);
        Assert.Equal(Old, await ModelOfAsync(node, Jobs.Request()));

        Assert.Empty(Store.Keys);
    }

    [Fact]
    public async Task Jobs_whose_models_of_the_registry_are_refused_agree_as_well()
    {
        var refused = new ModelReference("refused", new string('3', 64));
        Store.Set(
            RegistryKeys.Verdict(refused), WireJson.Write(new ModelVerdict(IsUsable: false, "it is bad", Identity.Id)));
        Models.Installed = [Old];
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first, Request() with { Model = refused });

        Assert.Equal(Old, await ModelOfAsync(second, Request() with { Model = refused }));
    }

    [Theory]
    [InlineData(StoreCall.PutIfAbsent)]
    [InlineData(StoreCall.List)]
    public async Task An_outage_decides_nothing(StoreCall call)
    {
        Store.Set(RegistryKeys.Files(Pushed), "{}");
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);
        Store.FailNext(call);

        await Assert.ThrowsAsync<IOException>(() => ModelOfAsync(second));
        Assert.Equal(Old.Sha256, (await ModelOfAsync(second)).Sha256);
    }

    [Fact]
    public async Task A_node_that_may_not_list_the_registry_looks_on_its_machine()
    {
        Models.Installed = [Old];
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);
        Store.FailNext(StoreCall.List, failure: new StoreRefusedException("Access denied."));

        Assert.Equal(Old, await ModelOfAsync(second));
    }

    [Fact]
    public async Task A_damaged_agreement_is_none()
    {
        Store.Set(ObjectKeys.BatchModel(_batch), "{");
        using var node = NodeWith(New);
        await EventFilter.Error(contains: "cannot be read").ExpectAsync(
            1, async () => Assert.Equal(New, await ModelOfAsync(node)));
    }

    [Fact]
    public async Task Results_are_remembered_by_key_up_to_a_number_and_failures_are_not()
    {
        var calls = 0;
        var remembered = new RememberedCalls<int, int>(most: 2);
        Task<int> GetAsync(int key) => remembered.GetAsync(key, () => Task.FromResult(Interlocked.Increment(ref calls)));

        await Assert.ThrowsAsync<IOException>(() => remembered.GetAsync(1, () => throw new IOException()));
        Assert.Equal((1, 2, 1), (await GetAsync(1), await GetAsync(2), await GetAsync(1)));
        Assert.Equal((3, 2, 4), (await GetAsync(3), await GetAsync(2), await GetAsync(1)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_batch_whose_node_dies_is_finished_by_a_node_with_another_setting(bool isInstalled)
    {
        Models.Installed = isInstalled ? [Old] : [];
        var old = new FakeImageClassifier { Model = Old };
        using var release = new ManualResetEventSlim();
        var runs = 0;
        old.WhileClassifying = _ =>
        {
            // The node stops in its second run.
            if (Interlocked.Increment(ref runs) > 1) release.Wait(RealLimit);
        };
        ClassificationRequest[] requests =
        [
            .. Enumerable.Range(0, 40).Select(i => Upload($"word-{i}", ofBatch: _batch)),
        ];
        var first = StartPoller(old);
        await AdvanceUntilAsync(() => requests.Any(IsDeleted), "some have a result");
        Sys.Stop(first);

        StartPoller(new FakeImageClassifier { Model = New });
        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all have a result", TimeSpan.FromSeconds(1));
        release.Set();
        Assert.All(requests, request => Assert.Equal(JobStatus.Classified, StoredResultOf(request)!.Status));
        ModelIdentity[] expected = isInstalled ? [Old] : [New, Old];
        Assert.Equal(
            expected, requests.Select(request => StoredResultOf(request)!.Model!).Distinct().OrderBy(model => model.Name));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_model_that_fails_is_replaced_by_the_own_one_and_costs_neither_picture_nor_node(int receivedBefore)
    {
        Models.Installed = [Old];
        Models.Loaded = model =>
        {
            model.Classifier.WhileClassifying = _ => throw new InvalidOperationException("The test says so.");
            model.Isolated.Outcome = _ =>
                Task.FromResult<IsolatedOutcome?>(FakeIsolatedClassifier.Died(ProcessDeath.Crashed));
        };
        Store.Set(ObjectKeys.BatchModel(_batch), WireJson.Write(new BatchModel(_batch, Old)));
        ClassificationRequest[] requests =
        [
            .. Enumerable.Range(0, 30).Select(i => Upload($"word-{i}", receivedBefore, ofBatch: _batch)),
        ];
        StartPoller(new FakeImageClassifier { Model = New });

        await AdvanceUntilAsync(() => requests.All(IsDeleted), "all have a result", TimeSpan.FromSeconds(1));
        Assert.All(requests, request => Assert.Equal(
            (JobStatus.Classified, New), (StoredResultOf(request)!.Status, StoredResultOf(request)!.Model)));
        Assert.DoesNotContain(ReceiveWhile<object>(TimeSpan.Zero, message => message), message => message is NodeUnhealthy);
    }

    [Fact]
    public async Task A_model_that_does_not_load_for_want_of_memory_is_tried_again()
    {
        Models.Installed = [Old];
        Models.Before = _ => Task.FromException(new InsufficientMemoryException());
        using var first = NodeWith(Old);
        using var second = NodeWith(New);
        await ModelOfAsync(first);

        Assert.Equal(New, await ModelOfAsync(second));
        Models.Before = null;
        Assert.Equal(Old, await ModelOfAsync(second));
    }

    private NodeModels NodeWith(ModelIdentity own) => new(
        new LoadedModel(new FakeImageClassifier { Model = own }, Isolated), Models, Store, Identity.Id, _ => { }, Time,
        Sys.Log);

    private ClassificationRequest Request(BatchId? batch = null) =>
        Jobs.Request(batch ?? _batch) with { SharesBatch = true };

    private async Task<ModelIdentity> ModelOfAsync(
        NodeModels node, ClassificationRequest? request = null, int receives = 1)
    {
        using var lease = await node.LeaseAsync(request ?? Request(), receives, default);
        return lease.Identity;
    }

    private IActorRef StartPoller(FakeImageClassifier own)
    {
        var classifier = Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher));
        return Sys.ActorOf(PollerActor.Props(
            Settings, Ports with { Classifier = own }, classifier, TestActor, new NodeProgress(Time), Time));
    }
}
