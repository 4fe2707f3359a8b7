using System.Diagnostics;
using System.Globalization;
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

/// <summary>The node's side and the child's side, with a real process between them.</summary>
public sealed class IsolatedClassifierSpecs
{
    // Anything that takes longer hangs, even on a busy machine.
    private static readonly TimeSpan Enough = TimeSpan.FromMinutes(2);

    private static readonly OnnxSettings Settings = new(
        Path.Combine(AppContext.BaseDirectory, "models", "tiny-imagenet-200"), 1, 1,
        new DecodingLimits(1_000_000, 1 << 30, TimeSpan.FromSeconds(30)));

    private static readonly ModelIdentity Model = ModelDirectory.Load(Settings.ModelFolder).Identity;

    [Fact]
    public async Task A_child_process_answers_each_picture_as_the_node_would()
    {
        using var inNode = OnnxImageClassifier.Load(new OnnxClassifierSettings(
            Settings.ModelFolder, Settings.MaxBatch, Settings.Threads, Settings.Decoding));
        using var isolated = Create(TheProgram());
        using var picture = TestPictures.Noise(300, 200);
        var bytes = TestPictures.Png(picture);

        foreach (var again in (bool[])[false, true])
        {
            var outcome = Assert.IsType<IsolatedOutcome.Classified>(
                await isolated.ClassifyAsync(bytes, isAlone: again));
            using var decoded = Assert.IsType<Decoding.Decoded>(inNode.Decode(bytes)).Picture;
            Assert.Equal(inNode.Classify([decoded])[0][0], outcome.Predictions[0]);
            Assert.Equal(5, outcome.Predictions.Count);
            Assert.True(outcome.Decoded > TimeSpan.Zero && outcome.Ran > TimeSpan.Zero, $"{again}");

            var refusal = await isolated.ClassifyAsync("no picture"u8.ToArray(), isAlone: false);
            var refused = Assert.IsType<IsolatedOutcome.Refused>(refusal);
            Assert.Equal(JobErrorCodes.Undecodable, refused.Error.Code);
        }
    }

    [Fact]
    public async Task Concurrent_pictures_take_turns()
    {
        using var isolated = Create(TheProgram());
        using var picture = TestPictures.Plain(40, 40, SKColors.Red);
        var bytes = TestPictures.Png(picture);

        var outcomes = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => isolated.ClassifyAsync(bytes, isAlone: false)));
        Assert.All(outcomes, outcome => Assert.IsType<IsolatedOutcome.Classified>(outcome));
    }

    [Fact]
    public async Task A_child_process_ends_when_its_input_ends()
    {
        using var child = Process.Start(TheProgram())!;
        child.StandardInput.Close();

        await child.WaitForExitAsync().WaitAsync(Enough, TimeProvider.System);
        Assert.Equal(0, child.ExitCode);
        Assert.Equal("", await child.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task Answers_of_a_child_with_another_model_are_not_used()
    {
        using var isolated = new IsolatedClassifier(
            TheProgram(), Settings, Model with { Name = "another" }, Enough, TimeProvider.System);

        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync("no picture"u8.ToArray(), isAlone: false));
    }

    [SkippableTheory]
    [InlineData("kill -SEGV $$", ProcessDeath.Crashed)]
    [InlineData("kill -ABRT $$", ProcessDeath.Crashed)]
    [InlineData("kill -KILL $$", ProcessDeath.Killed)]
    [InlineData("kill -TERM $$", ProcessDeath.Killed)]
    public async Task The_signal_says_how_a_child_died(string script, ProcessDeath how)
    {
        using var isolated = Create(Shell($"{ScriptedChildren.Ready} echo last words >&2; read -r picture; {script}"));

        var died = Assert.IsType<IsolatedOutcome.Died>(
            await isolated.ClassifyAsync(ScriptedChildren.Harmless, isAlone: false));
        Assert.Equal((how, false), (died.How, died.HadOthers));
        Assert.Contains("last words", died.Details, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_child_that_does_not_answer_is_killed_at_its_time_limit()
    {
        using var isolated = new IsolatedClassifier(
            Shell($"{ScriptedChildren.Ready} exec sleep 1000"), Settings, Model, TimeSpan.FromMilliseconds(200),
            TimeProvider.System);

        var died = Assert.IsType<IsolatedOutcome.Died>(await isolated.ClassifyAsync(new byte[100], isAlone: false));
        Assert.Equal(ProcessDeath.TimedOut, died.How);
    }

    [SkippableFact]
    public async Task A_spare_child_starts_when_one_dies_and_gets_the_next_picture()
    {
        using var children = new ScriptedChildren(Model);
        using var isolated = Create(Shell(children.Script));

        var first = Assert.IsType<IsolatedOutcome.Died>(await isolated.ClassifyAsync(ScriptedChildren.Deadly, false));
        await children.StartedAsync(2);
        var second = Assert.IsType<IsolatedOutcome.Died>(await isolated.ClassifyAsync(ScriptedChildren.Deadly, false));
        Assert.Contains(children.Started[0], first.Details, StringComparison.Ordinal);
        Assert.Contains(children.Started[1], second.Details, StringComparison.Ordinal);
        Assert.False(second.HadOthers);
    }

    [SkippableFact]
    public async Task A_picture_that_needs_a_fresh_child_gets_the_spare_and_the_used_child_stays()
    {
        using var children = new ScriptedChildren(Model);
        using var isolated = Create(Shell(children.Script));
        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(ScriptedChildren.Harmless, false));

        var alone = Assert.IsType<IsolatedOutcome.Died>(await isolated.ClassifyAsync(ScriptedChildren.Deadly, true));
        var beside = Assert.IsType<IsolatedOutcome.Died>(await isolated.ClassifyAsync(ScriptedChildren.Deadly, false));
        Assert.Equal((false, true), (alone.HadOthers, beside.HadOthers));
        Assert.Contains(children.Started[0], beside.Details, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_spare_that_ended_without_a_picture_is_replaced()
    {
        using var children = new ScriptedChildren(Model);
        using var isolated = Create(Shell(children.Script));
        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(ScriptedChildren.Harmless, false));
        await children.StartedAsync(2);
        using (var spare = Process.GetProcessById(int.Parse(children.Started[1], CultureInfo.InvariantCulture)))
        {
            spare.Kill();
            await spare.WaitForExitAsync();
        }

        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(ScriptedChildren.Harmless, true));
    }

    [SkippableFact]
    public async Task Disposal_ends_all_children()
    {
        using var children = new ScriptedChildren(Model);
        var isolated = Create(Shell(children.Script));
        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(ScriptedChildren.Harmless, false));
        await children.StartedAsync(2);
        var processes = children.Started
            .Select(id => Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture))).ToArray();

        isolated.Dispose();
        foreach (var process in processes)
        {
            using (process) await process.WaitForExitAsync().WaitAsync(Enough, TimeProvider.System);
        }
    }

    [SkippableTheory]
    [InlineData("exit 3", "could not load its model. Exit code 3")]
    [InlineData("exit 139", "could not load its model. Signal 11")]
    [InlineData("kill -SEGV $$", "could not load its model. Signal 11")]
    [InlineData(ScriptedChildren.ReadSettings + ScriptedChildren.Ready + " exit 3", "ended by itself. Exit code 3")]
    [InlineData("cat /dev/zero", "sent an invalid answer")]
    public async Task A_child_that_exits_or_answers_nonsense_does_not_condemn_the_picture(
        string script, string reason)
    {
        using var isolated = Create(Shell(script));

        var failed = Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(new byte[100], isAlone: false));
        Assert.Contains(reason, failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_child_that_cannot_start_does_not_condemn_the_picture()
    {
        var missing = TheProgram();
        missing.FileName += "-missing";
        using var isolated = Create(missing);

        Assert.IsType<IsolatedOutcome.Failed>(await isolated.ClassifyAsync(new byte[100], isAlone: false));
    }

    [Fact]
    public void A_child_gets_no_settings_and_no_credentials_from_variables()
    {
        var variables = IsolatedClassifier.ChildOfThisProgram().Environment.Keys;

        Assert.Contains("PATH", variables);
        Assert.DoesNotContain(variables, name => name.StartsWith("AWS_", StringComparison.Ordinal));
        Assert.DoesNotContain(variables, name => name.StartsWith("IMAGE_CLASSIFIER__", StringComparison.Ordinal));
    }

    private static IsolatedClassifier Create(ProcessStartInfo command) =>
        new(command, Settings, Model, Enough, TimeProvider.System);

    private static ProcessStartInfo TheProgram()
    {
        var name = OperatingSystem.IsWindows() ? "image-classifier.exe" : "image-classifier";
        return Redirected(Path.Combine(AppContext.BaseDirectory, name), IsolatedClassifierVerb.Name);
    }

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
