using System.Diagnostics;
using ImageClassifier.Adapters.Embedded.Fleet;
using ImageClassifier.Core;
using ImageClassifier.Tests.Contracts;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ImageClassifier.Tests.Embedded;

public sealed class ChildProcessSpecs
{
    [SkippableFact]
    public async Task One_that_was_seen_to_end_and_let_go_of_is_still_gone_for_whoever_looks_again()
    {
        Skip.If(OperatingSystem.IsWindows(), "sh runs on Unix only");
        var child = ChildProcess.Start(
            new ProcessStartInfo("sh", ["-c", "exit 0"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
            InstanceId.Parse("node-1"),
            NullLogger.Instance);
        await Condition.BecomesTrueAsync(() => Task.FromResult(child.IsFinished), "the child has ended");

        child.Dispose();

        Assert.True(child.HasExited);
    }
}
