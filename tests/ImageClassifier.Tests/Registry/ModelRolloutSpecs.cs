using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Registry;
using Xunit;

namespace ImageClassifier.Tests.Registry;

/// <summary>Which models new batches get, through activations, canaries and rollbacks.</summary>
public sealed class ModelRolloutSpecs
{
    private static readonly ModelReference A = Model('a');
    private static readonly ModelReference B = Model('b');
    private static readonly ModelReference C = Model('c');

    [Fact]
    public void An_activation_remembers_the_models_before_it_the_latest_first()
    {
        var rollout = ModelRollout.None.Activate(A).Activate(B).Activate(C);

        Assert.Equal(C, rollout.Active);
        Assert.Equal([B, A], rollout.Earlier);
    }

    [Fact]
    public void The_first_activation_has_nothing_before_it() =>
        Assert.Empty(ModelRollout.None.Activate(A).Earlier);

    [Fact]
    public void A_model_that_is_activated_again_is_not_among_the_earlier_ones()
    {
        var rollout = ModelRollout.None.Activate(A).Activate(B).Activate(A);

        Assert.Equal(A, rollout.Active);
        Assert.Equal([B], rollout.Earlier);
    }

    [Fact]
    public void An_activation_of_the_active_model_only_ends_the_canary()
    {
        var before = ModelRollout.None.Activate(A).Activate(B);
        var rollout = (before with { Canary = new ModelCanary(C, 0.1) }).Activate(B);

        Assert.Null(rollout.Canary);
        Assert.Equal(B, rollout.Active);
        Assert.Equal([A], rollout.Earlier);
    }

    [Fact]
    public void An_activation_of_the_canary_ends_it() =>
        Assert.Null((ModelRollout.None.Activate(A) with { Canary = new ModelCanary(B, 0.1) }).Activate(B).Canary);

    [Fact]
    public void Only_the_latest_models_are_remembered()
    {
        var models = Enumerable.Range(0, 15).Select(i => new ModelReference($"m{i}", A.Sha256)).ToArray();
        var rollout = models.Aggregate(ModelRollout.None, (before, model) => before.Activate(model));

        Assert.Equal(ModelRollout.MostEarlier, rollout.Earlier.Count);
        Assert.Equal(models[^2], rollout.Earlier[0]);
        Assert.True(rollout.IsWholeAt(RegistryKeys.Rollout));
    }

    [Fact]
    public void A_rollback_ends_the_canary_first_and_then_goes_back_to_the_setting()
    {
        var rollout = ModelRollout.None.Activate(A).Activate(B) with { Canary = new ModelCanary(C, 0.5) };

        rollout = rollout.RollBack();
        Assert.Equal((B, null), (rollout.Active, rollout.Canary));
        rollout = rollout.RollBack();
        Assert.Equal(A, rollout.Active);
        rollout = rollout.RollBack();
        Assert.Null(rollout.Active);
        Assert.Empty(rollout.Earlier);
    }

    [Theory]
    [InlineData(0.01)]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.99)]
    public void About_the_share_of_the_batches_get_the_canary(double share)
    {
        const int batches = 10_000;
        var rollout = ModelRollout.None.Activate(A) with { Canary = new ModelCanary(B, share) };

        var chosen = Enumerable.Range(0, batches).Select(_ => rollout.For(BatchId.New())).ToArray();

        Assert.All(chosen, model => Assert.True(model == A || model == B));
        // Seven standard deviations: not once in 100,000,000,000 runs by chance.
        var margin = 7 * Math.Sqrt(share * (1 - share) / batches);
        Assert.InRange(chosen.Count(model => model == B) / (double)batches, share - margin, share + margin);
    }

    [Fact]
    public void All_web_nodes_choose_the_same_model_for_a_batch()
    {
        var rollout = ModelRollout.None.Activate(A) with { Canary = new ModelCanary(B, 0.5) };
        var elsewhere = WireJson.TryRead<ModelRollout>(WireJson.Write(rollout))!;
        var batches = Enumerable.Range(0, 1000).Select(_ => BatchId.New()).ToArray();

        Assert.Equal(batches.Select(rollout.For), batches.Select(elsewhere.For));
    }

    [Fact]
    public void A_larger_share_only_adds_batches_to_the_canary()
    {
        var small = ModelRollout.None.Activate(A) with { Canary = new ModelCanary(B, 0.1) };
        var large = small with { Canary = new ModelCanary(B, 0.4) };

        var batches = Enumerable.Range(0, 1000).Select(_ => BatchId.New()).Where(batch => small.For(batch) == B);

        Assert.All(batches, batch => Assert.Equal(B, large.For(batch)));
    }

    [Fact]
    public void Without_a_canary_all_batches_get_the_active_model()
    {
        Assert.Equal(A, ModelRollout.None.Activate(A).For(BatchId.New()));
        Assert.Null(ModelRollout.None.For(BatchId.New()));
    }

    [Fact]
    public void The_active_model_and_then_the_earlier_ones_take_a_models_place()
    {
        var rollout = ModelRollout.None.Activate(A).Activate(B);

        Assert.Equal([A], rollout.InPlaceOf(B));
        Assert.Equal([B, A], rollout.InPlaceOf(C));
        Assert.Empty(ModelRollout.None.InPlaceOf(A));
    }

    [Theory]
    [InlineData("""{"earlier":[]}""", true)]
    [InlineData("""{"active":{"name":"a","sha256":"SHA"},"earlier":[]}""", true)]
    [InlineData("""{"earlier":[],"canary":{"model":{"name":"a","sha256":"SHA"},"share":1}}""", true)]
    [InlineData("{}", false)]
    [InlineData("""{"active":{"name":"a","sha256":"12"},"earlier":[]}""", false)]
    [InlineData("""{"active":{"name":"../a","sha256":"SHA"},"earlier":[]}""", false)]
    [InlineData("""{"active":{},"earlier":[]}""", false)]
    [InlineData("""{"earlier":[null]}""", false)]
    [InlineData("""{"earlier":[],"canary":{"share":0.5}}""", false)]
    [InlineData("""{"earlier":[],"canary":{"model":{"name":"a","sha256":"SHA"},"share":0}}""", false)]
    [InlineData("""{"earlier":[],"canary":{"model":{"name":"a","sha256":"SHA"},"share":1.1}}""", false)]
    public void A_stored_rollout_is_whole_only_with_sound_parts(string json, bool isWhole)
    {
        var rollout = WireJson.TryRead<ModelRollout>(json.Replace("SHA", A.Sha256, StringComparison.Ordinal))!;

        Assert.Equal(isWhole, rollout.IsWholeAt(RegistryKeys.Rollout));
        Assert.False(rollout.IsWholeAt(RegistryKeys.Verdict(A)));
    }

    private static ModelReference Model(char digit) => new($"model-{digit}", new string(digit, ModelReference.Digits));
}
