using System.Text;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Node.Classification;
using ImageClassifier.Node.Jobs;
using ImageClassifier.Node.Models;
using ImageClassifier.Streams;
using ImageClassifier.Testing;
using ImageClassifier.Testing.Fakes;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Node;

public sealed class MicroBatchesSpecs(ITestOutputHelper output) : NodeSpecs(output)
{
    private int _leases;

    [Fact]
    public async Task A_batch_of_two_models_becomes_runs_of_one_model_each_that_are_not_too_large()
    {
        var pairs = Model("pairs", most: 2);
        var fours = Model("fours", most: 4);
        JobWork[] batch =
        [
            .. "a b c d e".Split(' ').Zip("A B C".Split(' ').Concat(["", ""])).SelectMany(words =>
                words.Second.Length > 0
                    ? new[] { Decoded(pairs, words.First), Decoded(fours, words.Second) }
                    : [Decoded(pairs, words.First)]),
            new JobWork.NotDone(Deliver()),
        ];
        var outcome = await Batches().ClassifyAsync(batch);

        Assert.Equal(["a b", "c d", "e"], pairs.Batches.Select(words => string.Join(' ', words)));
        Assert.Equal(["A B C"], fours.Batches.Select(words => string.Join(' ', words)));
        Assert.Equal(batch.Select(work => work.Delivery).ToHashSet(), outcome.Select(work => work.Delivery).ToHashSet());
        Assert.Equal(batch.Length, outcome.Count);
        Assert.All(outcome.OfType<JobWork.Ended>(), ended => Assert.Equal(
            char.IsUpper(ended.Result.Predictions[0].Label[0]) ? fours.Model : pairs.Model, ended.Result.Model));
        Assert.Equal(0, _leases);
        await UntilAsync(() => pairs.Undisposed + fours.Undisposed == 0, "the pictures were disposed of");
    }

    [Fact]
    public async Task A_run_that_fails_gives_back_its_lease_and_affects_no_run_of_another_model()
    {
        var broken = Model("broken", most: 2);
        var sound = Model("sound", most: 2);
        broken.WhileClassifying = _ => throw new InvalidOperationException("The test says so.");
        var outcome = await Batches().ClassifyAsync([Decoded(broken, "a"), Decoded(sound, "b"), Decoded(broken, "c")]);

        Assert.Equal(2, outcome.OfType<JobWork.NotDone>().Count());
        Assert.Equal(sound.Model, Assert.Single(outcome.OfType<JobWork.Ended>()).Result.Model);
        Assert.Equal(0, _leases);
    }

    private MicroBatches Batches() => new(
        Sys.ActorOf(ClassifierActor.Props(Time, 1, Dispatcher)), Identity.Id, TimeSpan.FromMinutes(1),
        new NodeHealth(10, _ => { }), Time, Sys.Log);

    private static FakeImageClassifier Model(string name, int most) =>
        new(most) { Model = new ModelIdentity(name, new string('0', 64)) };

    private JobWork.ToClassify Decoded(FakeImageClassifier model, string word)
    {
        Interlocked.Increment(ref _leases);
        var lease = new ModelLease(new LoadedModel(model, Isolated), () => Interlocked.Decrement(ref _leases));
        var picture = Assert.IsType<Decoding.Decoded>(model.Decode(Encoding.UTF8.GetBytes(word))).Picture;
        return new JobWork.ToClassify(Deliver(), Jobs.Request(), lease, picture, TimeSpan.Zero, TimeSpan.Zero);
    }

    private Delivery Deliver() =>
        new(new ReceivedMessage("", "group", new Receipt("receipt"), 1), Time.GetMonotonic());
}
