using ImageClassifier.Adapters.Onnx.Contract;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using ImageClassifier.Testing;
using Xunit;
using Xunit.Abstractions;

namespace ImageClassifier.Tests.Fuzz;

/// <summary>Decoding any file ends in time and within its memory, with the model's input or a named refusal.</summary>
[Collection(FuzzRuns.Name)]
public sealed class DecodingFuzzSpecs(ITestOutputHelper output)
{
    private const int PercentOfInputs = 75;

    // Small, so that many inputs are tried and mutated pictures reach the limits.
    private const int BandBytes = 1 << 20;
    private const long MaxGrowth = 200 << 20;

    private static readonly DecodingLimits Limits =
        new(MaxPixels: 5_000_000, MaxMemory: 5_000_000, TimeSpan.FromSeconds(10));

    private static readonly string?[] Answers =
        [null, JobErrorCodes.Empty, JobErrorCodes.Undecodable, JobErrorCodes.TooManyPixels, JobErrorCodes.TooCostly];

    [SkippableFact]
    public async Task No_picture_crashes_the_decoder()
    {
        Requirement.Met(Repository.HasShared, "the shared test data is not beside the repository");
        var run = FuzzRun.Of(PercentOfInputs);
        var pictures = PictureMutations.Load(longest: 160_000);
        var input = new ModelInput(
            "input", TensorLayout.Nchw, 64, 64, (0, 1), [0, 0, 0], [1, 1, 1], new ModelResize(64, 96));
        var decoder = new PictureDecoder(input, Limits, BandBytes);
        var answers = new int[Answers.Length];

        using var workers = new FuzzWorkers("decoding", MaxGrowth);
        await workers.RunAsync(run, index =>
        {
            var file = pictures.Next(run.RandomOf(index));
            var error = decoder.Decode(file, new float[input.Length]);
            var answer = Array.IndexOf(Answers, error?.Code);
            Assert.True(answer >= 0, $"the decoder answered {error?.Code}");
            Interlocked.Increment(ref answers[answer]);
        });

        output.WriteLine($"{run.Count} inputs of seed {run.Seed} from {run.From} on; memory was {workers.Memory}");
        for (var i = 0; i < answers.Length; i++) output.WriteLine($"{Answers[i] ?? "decoded"}: {answers[i]}");
        // A run that never got past the header would prove nothing.
        if (run.Count >= 1000) Assert.All([0, 2, 3], answer => Assert.NotEqual(0, answers[answer]));
    }
}
