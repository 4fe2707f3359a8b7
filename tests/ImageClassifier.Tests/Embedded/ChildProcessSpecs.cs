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
    public async Task A_disposed_process_still_counts_as_ended()
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
