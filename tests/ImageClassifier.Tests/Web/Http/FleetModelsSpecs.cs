using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Web.Models;
using ImageClassifier.Web.Http;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Scaling;
using Xunit;
using static ImageClassifier.Tests.Web.Models.TestRegistry;
using static ImageClassifier.Web.Scaling.ScalerProtocol;

namespace ImageClassifier.Tests.Web.Http;

/// <summary>The models in <c>GET /api/fleet</c>.</summary>
public sealed class FleetModelsSpecs
{
    private static readonly DateTimeOffset At = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private static readonly KnownModels Nothing = new(null, null);
    private static readonly ModelIdentity Own = new("own", Model("own").Sha256, 200);

    [Fact]
    public void Models_are_in_the_order_of_their_use()
    {
        var rollout = new ModelRollout(New, [Old, Older], new ModelCanary(Try, 0.1));
        var other = new ModelIdentity("other", Model("other").Sha256, 5);
        var rows = Rows(Fleet([Own], Figures(other), Figures(Identity(New))), rollout);
        Assert.Equal(
            [
                ("new", ModelRole.Active), ("try", ModelRole.Canary), ("own", ModelRole.Setting),
                ("old", ModelRole.Earlier), ("older", ModelRole.Earlier), ("other", (ModelRole?)null),
            ],
            rows.Select(row => (row.Name, row.Role)));
        Assert.Equal([null, 0.1, null, null, null, null], rows.Select(row => row.Share));
    }

    [Fact]
    public void A_model_with_several_uses_has_a_row_for_each_under_its_own_name()
    {
        var pushedAs = Old with { Name = "pushed-as" };
        var rows = Rows(
            Fleet([Identity(Old, 200), Identity(Old, 200)], Figures(Identity(Old))),
            new ModelRollout(pushedAs, [pushedAs, Old], new ModelCanary(Old, 0.1)));
        Assert.Equal(
            [ModelRole.Active, ModelRole.Canary, ModelRole.Setting, ModelRole.Earlier], rows.Select(row => row.Role));
        Assert.All(rows, row => Assert.Equal(("old", 200, 1), (row.Name, row.Classes, row.Classified)));
        Assert.Equal([null, 0.1, null, null], rows.Select(row => row.Share));
    }

    [Fact]
    public void A_refusal_is_of_one_name_of_a_model()
    {
        var pushedAs = Old with { Name = "pushed-as" };
        var refused = new ModelVerdict(false, "A file is damaged.", InstanceId.Parse("node-1"));
        var standings = new Dictionary<ModelReference, ModelStanding>
        {
            [Old] = new(new ModelVerdict(true, null, InstanceId.Parse("node-1")), null),
            [pushedAs] = new(refused, Old),
        };
        var rows = new FleetModels(
            Fleet([]), new RegistryState(new ModelRollout(Old, [], new ModelCanary(pushedAs, 0.5)), standings), Nothing)
            .Documents;
        Assert.Equal([null, "A file is damaged."], rows.Select(row => row.Refusal));
    }

    [Fact]
    public void Figures_become_shares_and_means_and_a_model_without_results_has_none()
    {
        var figures = new ModelFigures(Identity(New, 1000), At, Classified: 30, Failed: 10, ConfidenceSum: 24);
        var rows = Rows(Fleet([], figures), new ModelRollout(New, [Old], null));
        Assert.Equal((30, 10, 0.25, 0.8, At), (
            rows[0].Classified, rows[0].Failed, rows[0].FailedShare, rows[0].MeanConfidence, rows[0].Since));
        Assert.Equal(1000, rows[0].Classes);
        Assert.Equal((0, 0, null, null, null), (
            rows[1].Classified, rows[1].Failed, rows[1].FailedShare, rows[1].MeanConfidence, rows[1].Since));
    }

    [Fact]
    public void A_model_that_only_failed_has_no_confidence()
    {
        var row = Assert.Single(Rows(Fleet([], new ModelFigures(Identity(New), At, 0, 3, 0)), ModelRollout.None));
        Assert.Equal((1, (double?)null), (row.FailedShare, row.MeanConfidence));
    }

    [Fact]
    public void The_built_in_model_is_known_by_its_hash()
    {
        var rows = Rows(
            Fleet([Own, Own with { Sha256 = Old.Sha256 }]), ModelRollout.None, new KnownModels(null, Own.Sha256));
        Assert.Equal([true, false], rows.Select(row => row.BuiltIn));
    }

    [Fact]
    public void The_hosts_model_of_the_setting_is_shown_before_any_node_runs_and_ended_nodes_do_not_count()
    {
        var ended = new TrackedInstance(
            new FleetInstance(InstanceId.Parse("ended"), InstanceState.Ended, At, At, At), InstanceState.Ended, At,
            Record("ended", Identity(Old)));
        var fleet = Fleet([]) with { Instances = [ended] };
        var row = Assert.Single(Rows(fleet, ModelRollout.None, new KnownModels(Own, Own.Sha256)));
        Assert.Equal(("own", 200, ModelRole.Setting, true), (row.Name, row.Classes, row.Role, row.BuiltIn));
        Assert.Empty(Rows(fleet, ModelRollout.None));
    }

    [Fact]
    public void The_reason_of_a_refusal_is_shown()
    {
        var rollout = new ModelRollout(New, [], new ModelCanary(Try, 0.5));
        var refused = new ModelVerdict(false, "It fails its samples.", InstanceId.Parse("node-1"));
        var standings = new Dictionary<ModelReference, ModelStanding>
        {
            [New] = new(new ModelVerdict(true, null, InstanceId.Parse("node-1")), null),
            [Try] = new(refused, New),
        };
        var rows = new FleetModels(Fleet([]), new RegistryState(rollout, standings), Nothing).Documents;
        Assert.Equal([null, "It fails its samples."], rows.Select(row => row.Refusal));
    }

    [Fact]
    public async Task The_fleet_shows_models_with_their_figures_and_the_models_of_each_instance()
    {
        var often = TimeSpan.FromMilliseconds(50);
        await using var tier = await RunningWebTier.StartAsync(change: settings => settings with
        {
            Scaling = settings.Scaling with { RecordsInterval = often },
            Models = new KnownModels(Own, Own.Sha256),
        });
        await tier.Store.RollOutAsync(new ModelRollout(New, [Old], new ModelCanary(Try, 0.25)));
        var upload = await tier.UploadAsync(Upload.Jpeg("a.jpg"), Upload.Jpeg("b.jpg"));
        await tier.UntilAsync(() => tier.Fleet.Living.Count > 0, "an instance is launched");
        tier.Fleet.MoveAll(InstanceState.Running);
        var instance = tier.Fleet.Living[0].Id;
        var record = Record(instance.Value, Own) with
        {
            Loaded = [Identity(New, 1000), Identity(Try)],
            Arrangement = new RunArrangement(2, 1, 4) { PicturesPerSecond = 345.6 },
        };
        await tier.Store.PutAsync(
            Core.Storage.ObjectKeys.Node(instance), WireJson.WriteUtf8(record), tier.InTime);
        foreach (var (job, probability) in upload.Jobs.Zip((double[])[0.5, 0.7]))
        {
            await tier.PublishAsync(Jobs.Classified(Jobs.Request(upload.Batch, job)) with
            {
                Model = Identity(New, 1000),
                Predictions = [new Prediction(0, "cat", probability)],
            });
        }

        System.Text.Json.JsonElement fleet, shown, active;
        do
        {
            using var answer = await tier.Client.GetAsync("/api/fleet", tier.InTime);
            fleet = await answer.DocumentAsync();
            shown = fleet.GetProperty("instances").EnumerateArray().First(one => one.Word("instanceId") == instance.Value);
            active = fleet.GetProperty("models")[0];
        }
        while (!shown.TryGetProperty("loaded", out _) || active.Number("classified") < 2);

        Assert.Equal(("own", Own.Sha256), (shown.Word("model"), shown.Word("modelSha256")));
        Assert.Equal(
            [("new", New.Sha256), ("try", Try.Sha256)],
            shown.GetProperty("loaded").EnumerateArray().Select(model => (model.Word("name"), model.Word("sha256"))));
        var arrangement = shown.GetProperty("arrangement");
        Assert.Equal(
            (2, 1, 4, 345.6),
            (arrangement.Number("classifiers"), arrangement.Number("threads"), arrangement.Number("batch"),
                arrangement.GetProperty("picturesPerSecond").GetDouble()));
        Assert.Equal(("new", New.Sha256, "active", 1000), (
            active.Word("name"), active.Word("sha256"), active.Word("role"), active.Number("classes")));
        Assert.Equal((2, 0, false), (
            active.Number("classified"), active.Number("failed"), active.GetProperty("builtIn").GetBoolean()));
        Assert.Equal(0.6, active.GetProperty("meanConfidence").GetDouble(), precision: 6);
        Assert.Equal(0, active.GetProperty("failedShare").GetDouble());
        Assert.True(active.TryGetProperty("since", out _));
        Assert.Equal(
            ["active", "canary", "setting", "earlier"],
            fleet.GetProperty("models").EnumerateArray().Select(model => model.Word("role")));
        Assert.True(fleet.GetProperty("models")[2].GetProperty("builtIn").GetBoolean());
        var rollout = fleet.GetProperty("rollout");
        Assert.Equal(("new", New.Sha256), (
            rollout.GetProperty("active").Word("name"), rollout.GetProperty("active").Word("sha256")));
        Assert.Equal(("try", Try.Sha256, 0.25), (
            rollout.GetProperty("canary").Word("name"), rollout.GetProperty("canary").Word("sha256"),
            rollout.GetProperty("canary").GetProperty("share").GetDouble()));
    }

    [Fact]
    public async Task The_fleet_is_shown_although_the_registry_is_damaged()
    {
        await using var tier = await RunningWebTier.StartAsync(
            change: settings => settings with { Models = new KnownModels(Own, null) });
        tier.Store.Set(RegistryKeys.Rollout, "{");
        using var answer = await tier.Client.GetAsync("/api/fleet", tier.InTime);
        var fleet = await answer.DocumentAsync();
        Assert.False(fleet.TryGetProperty("rollout", out _));
        Assert.Equal("own", fleet.GetProperty("models")[0].Word("name"));
    }

    private static IReadOnlyList<ModelDocument> Rows(
        FleetStatus fleet, ModelRollout rollout, KnownModels? known = null) =>
        [.. new FleetModels(
            fleet, new RegistryState(rollout, new Dictionary<ModelReference, ModelStanding>()), known ?? Nothing)
            .Documents];

    private static ModelFigures Figures(ModelIdentity model) => new(model, At, 1, 0, 1);

    /// <summary>A fleet with a running instance for each model.</summary>
    private static FleetStatus Fleet(IReadOnlyList<ModelIdentity> own, params IReadOnlyList<ModelFigures> models) =>
        new(19, 0, 0, TimeSpan.Zero, TimeSpan.Zero, [.. own.Select((model, i) => Running($"node-{i}", model))], [])
        {
            Models = models,
        };

    private static TrackedInstance Running(string id, ModelIdentity model) => new(
        new FleetInstance(InstanceId.Parse(id), InstanceState.Running, At, At, null), InstanceState.Running, At,
        Record(id, model));

    private static NodeRecord Record(string id, ModelIdentity model) =>
        new(InstanceId.Parse(id), InstanceState.Running, 1, null, model);
}
