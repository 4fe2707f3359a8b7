using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Node.Models;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

/// <summary>Which model a job gets, and which models stay in memory.</summary>
public sealed class NodeModelsSpecs : NodeSpecs
{
    private static readonly ModelReference First = FakeModelSource.Reference("first");
    private static readonly ModelReference Second = FakeModelSource.Reference("second");
    private static readonly ModelReference Third = FakeModelSource.Reference("third");

    private readonly NodeModels _models;
    private IReadOnlyList<ModelIdentity> _loaded = [];

    public NodeModelsSpecs(ITestOutputHelper output)
        : base(output) =>
        _models = new NodeModels(
            new LoadedModel(Classifier, Isolated), Models, Store, Identity.Id,
            loaded => Volatile.Write(ref _loaded, loaded), Time, Sys.Log);

    [Fact]
    public async Task A_job_without_a_model_gets_the_model_of_the_setting()
    {
        using var lease = await LeaseAsync(null, First);

        Assert.Same(Classifier, lease.Classifier);
        Assert.Same(Isolated, lease.Isolated);
        Assert.Empty(Models.Loads);
    }

    [Fact]
    public async Task The_node_that_loads_a_model_first_stores_that_it_is_usable()
    {
        using var lease = await LeaseAsync(First);

        Assert.Equal(FakeModelSource.IdentityOf(First), lease.Identity);
        Assert.Same(Models.Of(First).Isolated, lease.Isolated);
        Assert.Equal(new ModelVerdict(true, null, Identity.Id), VerdictOf(First));
        Assert.Equal([lease.Identity], _loaded);
    }

    [Fact]
    public async Task A_defect_is_stored_and_the_job_gets_its_fallback()
    {
        Fail(First, new UnusableModelException("its samples fail"));
        using var lease = await LeaseAsync(First, Second);

        Assert.Equal(FakeModelSource.IdentityOf(Second), lease.Identity);
        Assert.Equal(new ModelVerdict(false, "its samples fail", Identity.Id), VerdictOf(First));
        Assert.True(VerdictOf(Second)!.IsUsable);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_a_usable_fallback_a_job_gets_the_model_of_the_setting(bool hasFallback)
    {
        Set(First, isUsable: false);
        Set(Second, isUsable: false);
        using var lease = await LeaseAsync(First, hasFallback ? Second : null);

        Assert.Same(Classifier, lease.Classifier);
    }

    [Fact]
    public async Task A_model_that_another_node_refused_is_not_loaded_and_logged_once()
    {
        Set(First, isUsable: false);
        await EventFilter.Warning(contains: "the test says so").ExpectAsync(1, async () =>
        {
            for (var i = 0; i < 3; i++) (await LeaseAsync(First)).Dispose();
        });

        Assert.Empty(Models.Loads);
    }

    [Fact]
    public async Task A_refusal_with_another_reason_is_logged_again()
    {
        await EventFilter.Warning(contains: "refused it").ExpectAsync(2, async () =>
        {
            foreach (var reason in (string[])["its samples fail", "its samples fail", "its hash is wrong"])
            {
                Store.Set(
                    RegistryKeys.Verdict(First), WireJson.Write(new ModelVerdict(IsUsable: false, reason, Identity.Id)));
                (await LeaseAsync(First)).Dispose();
            }
        });
    }

    [Fact]
    public async Task Only_a_model_with_a_usable_verdict_is_loaded_as_proven()
    {
        Set(Second, isUsable: true);
        (await LeaseAsync(First)).Dispose();
        (await LeaseAsync(Second)).Dispose();

        Assert.Equal(2, Models.Loads.Count);
        Assert.Equal([Second], Models.Proven);
    }

    [Fact]
    public async Task A_refusal_that_another_node_stored_first_is_obeyed()
    {
        Models.Before = model =>
        {
            if (model == First) Set(First, isUsable: false);
            return Task.CompletedTask;
        };
        using var lease = await LeaseAsync(First, Second);

        Assert.Equal(FakeModelSource.IdentityOf(Second), lease.Identity);
        Assert.True(Models.Of(First).Classifier.IsDisposed);
        Assert.Equal([lease.Identity], _loaded);
    }

    [Fact]
    public async Task A_damaged_verdict_is_a_refusal()
    {
        Store.Set(RegistryKeys.Verdict(First), "{");
        using var lease = await LeaseAsync(First);

        Assert.Same(Classifier, lease.Classifier);
        Assert.Empty(Models.Loads);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_that_cannot_load_a_proven_model_says_so(bool isProvenDuringLoad)
    {
        if (!isProvenDuringLoad) Set(First, isUsable: true);
        Models.Before = _ =>
        {
            Set(First, isUsable: true);
            throw new UnusableModelException("its hash is wrong");
        };

        var failure = await Assert.ThrowsAsync<ModelNotLoadedException>(() => LeaseAsync(First, Second));
        Assert.Contains("its hash is wrong", failure.Message, StringComparison.Ordinal);
        Assert.True(VerdictOf(First)!.IsUsable);
    }

    [Fact]
    public async Task After_a_new_push_a_refused_model_gets_a_new_verdict()
    {
        Fail(First, new UnusableModelException("its samples fail"));
        (await LeaseAsync(First)).Dispose();

        Models.Before = null;
        await Store.DeleteAsync(RegistryKeys.Verdict(First), default);
        using var lease = await LeaseAsync(First);
        Assert.Equal(FakeModelSource.IdentityOf(First), lease.Identity);
        Assert.True(VerdictOf(First)!.IsUsable);
    }

    [Fact]
    public async Task Jobs_share_the_load_of_their_model()
    {
        var held = HoldLoads();
        var leases = Enumerable.Range(0, 5).Select(_ => LeaseAsync(First)).ToArray();
        held.SetResult();
        foreach (var lease in await Task.WhenAll(leases)) lease.Dispose();
        (await LeaseAsync(First)).Dispose();

        Assert.Single(Models.Loads);
    }

    [Fact]
    public async Task A_failed_load_fails_its_jobs_and_decides_nothing()
    {
        var held = HoldLoads(() => throw new IOException("The store is away."));
        var leases = Enumerable.Range(0, 3).Select(_ => LeaseAsync(First, Second)).ToArray();
        held.SetResult();
        foreach (var lease in leases) await Assert.ThrowsAsync<IOException>(() => lease);
        Assert.Null(VerdictOf(First));

        Models.Before = null;
        using var later = await LeaseAsync(First);
        Assert.Equal(FakeModelSource.IdentityOf(First), later.Identity);
    }

    [Fact]
    public async Task A_model_whose_verdict_cannot_be_stored_is_unloaded()
    {
        Store.FailNext(StoreCall.PutIfAbsent);
        await Assert.ThrowsAsync<IOException>(() => LeaseAsync(First));

        Assert.True(Models.Of(First).Classifier.IsDisposed);
        Assert.Empty(_loaded);
    }

    [Fact]
    public async Task The_longest_unused_model_is_unloaded_for_another()
    {
        (await LeaseAsync(First)).Dispose();
        (await LeaseAsync(Second)).Dispose();
        (await LeaseAsync(First)).Dispose();
        Assert.Equal(2, _loaded.Count);
        (await LeaseAsync(Third)).Dispose();

        Assert.True(Models.Of(Second).Classifier.IsDisposed);
        Assert.True(Models.Of(Second).Isolated.IsDisposed);
        Assert.False(Models.Of(First).Classifier.IsDisposed);
        Assert.Equal(NodeModels.MostLoaded, Models.MostLoaded);
        Assert.Equal(["first", "third"], _loaded.Select(model => model.Name).Order());
    }

    [Fact]
    public async Task A_model_in_use_is_not_unloaded_and_the_job_waits()
    {
        var first = await LeaseAsync(First);
        var second = await LeaseAsync(Second);
        var third = LeaseAsync(Third);
        await SettleAsync();
        Assert.False(third.IsCompleted);

        second.Dispose();
        using var lease = await third;
        Assert.True(Models.Of(Second).Classifier.IsDisposed);
        Assert.False(Models.Of(First).Classifier.IsDisposed);
        first.Dispose();
    }

    [Fact]
    public async Task A_model_that_is_waited_for_gets_its_turn_although_others_keep_coming()
    {
        var first = await LeaseAsync(First);
        var second = await LeaseAsync(Second);
        var third = LeaseAsync(Third);
        var firstAgain = LeaseAsync(First);
        var secondAgain = await LeaseAsync(Second);
        await SettleAsync();
        Assert.False(third.IsCompleted || firstAgain.IsCompleted);

        first.Dispose();
        var ofThird = await third;
        await SettleAsync();
        Assert.False(firstAgain.IsCompleted);

        second.Dispose();
        secondAgain.Dispose();
        using var ofFirst = await firstAgain;
        Assert.False(ofFirst.Classifier == Models.Loads[0].Classifier);
        Assert.Equal(NodeModels.MostLoaded, Models.MostLoaded);
        ofThird.Dispose();
    }

    [Fact]
    public async Task A_job_that_gives_up_lets_those_behind_it_go_on()
    {
        using var first = await LeaseAsync(First);
        using var second = await LeaseAsync(Second);
        using var giveUp = new CancellationTokenSource();
        var third = LeaseAsync(Third, giveUp: giveUp.Token);
        var firstAgain = LeaseAsync(First);
        await SettleAsync();
        Assert.False(firstAgain.IsCompleted);

        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third);
        using var lease = await firstAgain;
        Assert.Same(first.Classifier, lease.Classifier);
    }

    [Fact]
    public async Task A_job_can_stop_waiting_for_a_load_which_goes_on()
    {
        var held = HoldLoads();
        using var giveUp = new CancellationTokenSource();
        var early = LeaseAsync(First, giveUp: giveUp.Token);
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) == 1, "the verdict is read");
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => early);

        held.SetResult();
        await UntilAsync(() => _loaded.Count == 1, "it is loaded");
        using var lease = await LeaseAsync(First, giveUp: new CancellationToken(canceled: true));
        Assert.Single(Models.Loads);
    }

    [Fact]
    public async Task Disposal_unloads_a_model_when_its_last_lease_is_returned()
    {
        var first = await LeaseAsync(First);
        (await LeaseAsync(Second)).Dispose();
        _models.Dispose();
        Assert.True(Models.Of(Second).Classifier.IsDisposed);
        Assert.False(Models.Of(First).Classifier.IsDisposed);

        first.Dispose();
        first.Dispose();
        Assert.True(Models.Of(First).Classifier.IsDisposed);
        Assert.Empty(_loaded);
        Assert.False(Classifier.IsDisposed);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LeaseAsync(First));
    }

    [Fact]
    public async Task Disposal_returns_the_leases_of_jobs_that_wait_for_their_next_step()
    {
        var waits = (await LeaseAsync(First)).Park();
        var works = (await LeaseAsync(Second)).Park().Resume();
        _models.Dispose();
        Assert.True(Models.Of(First).Classifier.IsDisposed);
        Assert.False(Models.Of(Second).Classifier.IsDisposed);

        works.Park();
        Assert.True(Models.Of(Second).Classifier.IsDisposed);
        waits.Dispose();
        Assert.False(Classifier.IsDisposed);
    }

    [Fact]
    public async Task Disposal_ends_a_load_and_what_waits_for_it()
    {
        HoldLoads();
        var first = LeaseAsync(First);
        var second = LeaseAsync(Second);
        var third = LeaseAsync(Third);
        await SettleAsync();
        _models.Dispose();

        foreach (var lease in (Task<ModelLease>[])[first, second, third])
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lease);
    }

    private Task<ModelLease> LeaseAsync(
        ModelReference? model, ModelReference? fallback = null, CancellationToken giveUp = default) =>
        _models.LeaseAsync(Jobs.Request() with { Model = model, Fallback = fallback }, receives: 1, giveUp);

    private ModelVerdict? VerdictOf(ModelReference model) =>
        Store.DocumentAt<ModelVerdict>(RegistryKeys.Verdict(model));

    private void Set(ModelReference model, bool isUsable) => Store.Set(
        RegistryKeys.Verdict(model),
        WireJson.Write(new ModelVerdict(isUsable, isUsable ? null : "the test says so", Identity.Id)));

    private void Fail(ModelReference model, Exception failure) =>
        Models.Before = loaded => loaded == model ? Task.FromException(failure) : Task.CompletedTask;

    /// <summary>Blocks every load until the task completes.</summary>
    private TaskCompletionSource HoldLoads(Action? after = null)
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Models.Before = async _ =>
        {
            await held.Task;
            after?.Invoke();
        };
        return held;
    }
}
