using System.Diagnostics;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Isolation;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Onnx;
using SkiaSharp;
using Xunit;

namespace ImageClassifier.Tests.Isolation;

/// <summary>A model is tried in a real process before it is loaded in the node's.</summary>
public sealed class IsolatedTrialSpecs : IDisposable
{
    // Anything that takes longer hangs, even on a busy machine.
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    private readonly TestModel _model = new TestModel().Write();

    private OnnxSettings Settings => new(_model.Path, 4, 1, new DecodingLimits(1, 1 << 20, TimeSpan.FromTicks(1)));

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task A_sound_model_passes_whatever_the_limits_of_decoding()
    {
        Assert.Null(await TryAsync(TheProgram()));
    }

    [Fact]
    public void The_picture_of_the_trial_can_be_decoded_within_the_smallest_limits()
    {
        using var classifier = OnnxImageClassifier.Load(new OnnxClassifierSettings(
            _model.Path, 4, 1, Settings.Decoding with { Timeout = Enough }));

        using var picture = Assert.IsType<Decoding.Decoded>(classifier.Decode(IsolatedTrial.Picture)).Picture;
        Assert.Equal(3, classifier.Classify([picture])[0].Count);
    }

    [Fact]
    public async Task A_refused_model_is_reported_in_the_program_s_words()
    {
        _model.WriteSample("red.png", SKColors.Blue);
        Assert.StartsWith(TheModelIsNotUsable, await TryAsync(TheProgram()), StringComparison.Ordinal);
        File.Delete(_model.File("labels.txt"));
        Assert.StartsWith(TheModelIsNotUsable, await TryAsync(TheProgram()), StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData(ScriptedChildren.ReadSettings + "kill -SEGV $$", "it crashes the process that loads it (Signal 11)")]
    [InlineData(ScriptedChildren.ReadSettings + ScriptedChildren.Ready + "kill -ABRT $$", "(Signal 6)")]
    [InlineData(ScriptedChildren.ReadSettings + ScriptedChildren.Ready + "kill -KILL $$", "was killed")]
    public async Task A_model_whose_load_ends_the_process_is_refused(string script, string reason)
    {
        var defect = await Assert.ThrowsAsync<UnusableModelException>(
            () => TryAsync(Shell($"echo last words of {_model.Path} >&2; {script}")));

        Assert.Contains(reason, defect.Message, StringComparison.Ordinal);
        Assert.Contains("last words of the model", defect.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_child_that_runs_out_of_memory_without_dying_refuses_no_model()
    {
        var answer = _model.File("answer");
        await using (var file = File.Create(answer))
        {
            await Frames.WriteAsync(file, WireJson.WriteUtf8(new IsolatedReply(
                new ModelIdentity("any", new string('0', 64)), Failure: "Memory is short.", IsMemoryShort: true)));
        }

        var child = Shell($"{ScriptedChildren.ReadSettings} {ScriptedChildren.Ready} cat {answer}; cat > /dev/null");
        await Assert.ThrowsAnyAsync<OutOfMemoryException>(() => TryAsync(child));
    }

    [SkippableFact]
    public async Task A_process_that_is_killed_before_it_begins_refuses_no_model()
    {
        Assert.Null(await TryAsync(Shell("kill -KILL $$")));
    }

    [Fact]
    public async Task A_child_that_cannot_start_is_this_machine_s_fault()
    {
        var missing = TheProgram();
        missing.FileName += "-missing";

        await Assert.ThrowsAsync<ModelNotLoadedException>(() => TryAsync(missing));
    }

    [SkippableFact]
    public async Task A_child_that_hangs_is_this_machine_s_fault()
    {
        await Assert.ThrowsAsync<ModelNotLoadedException>(
            () => TryAsync(Shell("exec sleep 1000"), TimeSpan.FromMilliseconds(200)));
    }

    [SkippableFact]
    public async Task A_node_that_stops_does_not_wait_for_a_trial()
    {
        using var stop = new CancellationTokenSource();
        var trial = new IsolatedTrial(Shell("exec sleep 1000"), Enough, TimeProvider.System).RunAsync(Settings, stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trial);
    }

    private string TheModelIsNotUsable =>
        $"image-classifier.node.classification.model = {_model.Path} is not usable: ";

    private Task<string?> TryAsync(ProcessStartInfo child, TimeSpan? limit = null) =>
        new IsolatedTrial(child, limit ?? Enough, TimeProvider.System).RunAsync(Settings, default);

    private static ProcessStartInfo TheProgram() => Redirected(
        Path.Combine(
            AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "image-classifier.exe" : "image-classifier"),
        IsolatedClassifierVerb.Name);

    private static ProcessStartInfo Shell(string script)
    {
        Requirement.Met(!OperatingSystem.IsWindows(), "this system has no signals");
        return Redirected("/bin/sh", "-c", script);
    }

    private static ProcessStartInfo Redirected(string program, params string[] arguments) => new(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };
}
