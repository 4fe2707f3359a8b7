using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Testing.Fakes;
using ImageClassifier.Tests.Web.Http;
using ImageClassifier.Web.Models;
using Microsoft.Extensions.Logging;
using Xunit;
using Xunit.Abstractions;
using static ImageClassifier.Tests.Web.Models.TestRegistry;

namespace ImageClassifier.Tests.Web.Models;

/// <summary>The model of a new batch.</summary>
public sealed class ModelChoiceSpecs : WebSpecs
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);
    private static readonly ModelRollout Rollout = new(New, [Old, Older], Canary: null);

    private readonly CapturedLog _log = new();
    private readonly ILoggerFactory _logging;
    private readonly ModelChoice _models;

    public ModelChoiceSpecs(ITestOutputHelper output)
        : base(output)
    {
        _logging = LoggerFactory.Create(logging => logging.AddProvider(_log));
        _models = new ModelChoice(Store, Time, _logging.CreateLogger<ModelChoice>());
    }

    [Fact]
    public async Task Without_a_registry_the_nodes_setting_decides()
    {
        Assert.Equal(new ChosenModel(null, null), await ChooseAsync());
        Assert.Equal(1, Store.CallsOf(StoreCall.Get));
        Assert.Empty(_log.Lines);
    }

    [Fact]
    public async Task A_rollout_without_an_active_model_leaves_it_to_the_nodes_setting()
    {
        await Store.RollOutAsync(new ModelRollout(null, [Old], Canary: null));
        await Store.JudgeAsync(Old);
        Assert.Equal(new ChosenModel(null, null), await ChooseAsync());
    }

    [Fact]
    public async Task A_model_that_a_node_found_usable_needs_no_fallback()
    {
        await Store.RollOutAsync(Rollout);
        await Store.JudgeAsync(New);
        await Store.JudgeAsync(Old);
        Assert.Equal(Usable(New), await ChooseAsync());
    }

    [Theory]
    [InlineData("usable", "usable", "old")]
    [InlineData("refused", "usable", "older")]
    [InlineData("unknown", "usable", "older")]
    [InlineData("damaged", "usable", "older")]
    [InlineData("refused", "unknown", null)]
    [InlineData("unknown", "damaged", null)]
    public async Task The_fallback_is_the_first_earlier_model_that_is_known_to_be_usable(
        string old, string older, string? fallback)
    {
        await Store.RollOutAsync(Rollout);
        await JudgeAsync(Old, old);
        await JudgeAsync(Older, older);
        var expected = fallback is null ? null : Model(fallback);
        Assert.Equal(new ChosenModel(New, expected), await ChooseAsync());

        // A refused model is replaced before any result exists.
        await Store.JudgeAsync(New, "The network is cut off.");
        await AdvanceAsync(ModelChoice.KeptFor);
        Assert.Equal(expected is null ? new ChosenModel(null, null) : Usable(expected), await ChooseAsync());
    }

    [Fact]
    public async Task A_canary_gets_its_share_of_the_batches_and_falls_back_to_the_active_model()
    {
        var rollout = Rollout with { Canary = new ModelCanary(Try, 0.25) };
        await Store.RollOutAsync(rollout);
        await Store.JudgeAsync(New);
        var chosen = new List<ChosenModel>();
        for (var i = 0; i < 400; i++)
        {
            var batch = BatchId.New();
            var model = await _models.ForAsync(batch, default);
            Assert.Equal(rollout.For(batch), model.Model);
            chosen.Add(model);
        }

        Assert.InRange(chosen.Count(model => model.Model == Try), 50, 150);
        Assert.All(chosen, model => Assert.Equal(model.Model == Try ? New : null, model.Fallback));
    }

    [Theory]
    [InlineData("usable", "new", null)]
    [InlineData("unknown", "new", "old")]
    [InlineData("refused", "old", null)]
    public async Task Batches_of_a_refused_canary_get_the_same_as_batches_of_the_active_model(
        string active, string model, string? fallback)
    {
        await Store.RollOutAsync(Rollout with { Canary = new ModelCanary(Try, 1) });
        await Store.JudgeAsync(Try, "It fails its samples.");
        await Store.JudgeAsync(Old);
        await JudgeAsync(New, active);
        Assert.Equal(
            fallback is null ? Usable(Model(model)) : new ChosenModel(Model(model), Model(fallback)), await ChooseAsync());
    }

    [Fact]
    public async Task Without_an_active_model_batches_of_a_refused_canary_get_the_model_of_the_setting()
    {
        await Store.RollOutAsync(new ModelRollout(null, [Old], new ModelCanary(Try, 1)));
        await Store.JudgeAsync(Try, "It fails its samples.");
        await Store.JudgeAsync(Old);
        Assert.Equal(new ChosenModel(null, null), await ChooseAsync());
    }

    [Fact]
    public async Task A_new_rollout_reaches_new_batches_within_seconds()
    {
        await Store.ActivateAsync(Old);
        Assert.Equal(Old, (await ChooseAsync()).Model);
        await Store.ActivateAsync(New);
        await AdvanceAsync(ModelChoice.KeptFor - Moment);
        Assert.Equal(Old, (await ChooseAsync()).Model);
        await AdvanceAsync(Moment);
        Assert.Equal(New, (await ChooseAsync()).Model);
    }

    [Fact]
    public async Task Many_uploads_at_once_share_one_read()
    {
        await Store.ActivateAsync(New);
        var held = new TaskCompletionSource();
        Store.Before = (_, _) => held.Task;
        var chosen = Enumerable.Range(0, 50).Select(_ => ChooseAsync()).ToList();
        await UntilAsync(() => Store.CallsOf(StoreCall.Get) == 1, "the rollout is read");
        held.SetResult();

        Assert.All(await Task.WhenAll(chosen), model => Assert.Equal(New, model.Model));
        // The rollout and the verdict.
        Assert.Equal(2, Store.CallsOf(StoreCall.Get));
    }

    [Fact]
    public async Task An_upload_that_ends_does_not_end_the_read_of_the_others()
    {
        await Store.ActivateAsync(New);
        var held = new TaskCompletionSource();
        Store.Before = (_, _) => held.Task;
        using var leaving = new CancellationTokenSource();
        var left = _models.ForAsync(BatchId.New(), leaving.Token);
        var stays = ChooseAsync();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        held.SetResult();
        Assert.Equal(New, (await stays).Model);
    }

    [Theory]
    [InlineData(Fault.Outage)]
    [InlineData(Fault.DamagedRollout)]
    [InlineData(Fault.DamagedVerdict)]
    public async Task While_the_registry_cannot_be_read_the_last_known_state_holds_and_the_log_says_so_once(Fault fault)
    {
        await Store.RollOutAsync(Rollout);
        await Store.JudgeAsync(New);
        await ChooseAsync();
        Break(fault);
        for (var i = 0; i < 3; i++)
        {
            await AdvanceAsync(ModelChoice.KeptFor);
            Assert.Equal(Usable(New), await ChooseAsync());
            Assert.Equal(Usable(New), await ChooseAsync());
        }

        var line = Assert.Single(_log.Lines);
        Assert.Contains("new batches get the models that it named last", line, StringComparison.Ordinal);
        Store.Before = null;
        await Store.JudgeAsync(New);
        await Store.ActivateAsync(Old);
        await AdvanceAsync(ModelChoice.KeptFor);
        Assert.Equal(Old, (await ChooseAsync()).Model);
        Assert.Contains("can be read again", _log.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(2, _log.Lines.Count);
    }

    [Theory]
    [InlineData(Fault.Outage)]
    [InlineData(Fault.DamagedRollout)]
    [InlineData(Fault.DamagedVerdict)]
    public async Task Without_a_known_state_no_model_is_chosen_until_the_registry_can_be_read(Fault fault)
    {
        await Store.RollOutAsync(Rollout);
        Break(fault);
        await Assert.ThrowsAnyAsync<IOException>(ChooseAsync);
        await Assert.ThrowsAnyAsync<IOException>(ChooseAsync);
        Assert.Contains("no upload is accepted", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Assert.Null(await _models.ShownAsync(default));

        Store.Before = null;
        await Store.RollOutAsync(Rollout);
        await Store.JudgeAsync(New);
        Assert.Equal(Usable(New), await ChooseAsync());
    }

    [Fact]
    public async Task A_read_that_hangs_is_given_up()
    {
        await Store.ActivateAsync(New);
        var hung = new TaskCompletionSource();
        Store.Before = (_, _) => hung.Task;
        var waiting = ChooseAsync();
        await AdvanceUntilAsync(() => waiting.IsCompleted, "the read is given up", TimeSpan.FromSeconds(1));
        Assert.Contains(
            "within 10 s", (await Assert.ThrowsAsync<IOException>(() => waiting)).Message, StringComparison.Ordinal);
        Store.Before = null;
        Assert.Equal(New, (await ChooseAsync()).Model);
        hung.SetResult();
    }

    [Fact]
    public async Task What_is_shown_does_not_wait_for_a_slow_store()
    {
        await Store.ActivateAsync(New);
        await ChooseAsync();
        await AdvanceAsync(ModelChoice.KeptFor);
        var held = new TaskCompletionSource();
        Store.Before = (_, _) => held.Task;
        var shown = await CompletedAsync(_models.ShownAsync(default));
        Assert.Equal(New, shown!.Rollout.Active);
        held.SetResult();
    }

    public enum Fault
    {
        Outage,
        DamagedRollout,
        DamagedVerdict,
    }

    protected override void AfterAll()
    {
        _logging.Dispose();
        _log.Dispose();
        base.AfterAll();
    }

    private static ChosenModel Usable(ModelReference model) => new(model, null) { IsUsable = true };

    private Task<ChosenModel> ChooseAsync() => _models.ForAsync(BatchId.New(), default);

    private void Break(Fault fault)
    {
        switch (fault)
        {
            case Fault.Outage:
                Store.Before = (_, _) => Task.FromException(new IOException("The store is away."));
                break;
            case Fault.DamagedRollout:
                Store.Set(RegistryKeys.Rollout, """{"active":{"name":"../etc"}}""");
                break;
            default:
                Store.Set(RegistryKeys.Verdict(New), "{");
                break;
        }
    }

    private async Task JudgeAsync(ModelReference model, string verdict)
    {
        if (verdict == "usable") await Store.JudgeAsync(model);
        if (verdict == "refused") await Store.JudgeAsync(model, "It fails its samples.");
        if (verdict == "damaged") Store.Set(RegistryKeys.Verdict(model), "{");
    }
}
