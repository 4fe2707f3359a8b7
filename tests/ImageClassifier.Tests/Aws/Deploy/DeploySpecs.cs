using System.ComponentModel;
using System.Diagnostics;
using ImageClassifier.Testing;
using Xunit;

namespace ImageClassifier.Tests.Aws.Deploy;

/// <summary>The files under <c>deploy/</c>. The checks are in <c>tests/deploy</c>, because CloudFormation's
/// specification is a package of Node.js; <c>npm ci</c> there installs it. They also need cfn-lint and moto.</summary>
public class DeploySpecs
{
    // Creating stacks on an emulator, creating an image and booting machines takes more than a minute on an idle
    // machine.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);

    [SkippableFact]
    public async Task The_deployed_files_are_well_formed()
    {
        var folder = Path.Combine(Repository.Root, "tests", "deploy");
        Requirement.Met(Directory.Exists(Path.Combine(folder, "node_modules")), "npm ci has not run in tests/deploy");
        using var node = Start(folder);
        Requirement.Met(node is not null, "Node.js is not installed");

        using var limit = new CancellationTokenSource(Limit, TimeProvider.System);
        var complaints = node!.StandardError.ReadToEndAsync(limit.Token);
        var output = await node.StandardOutput.ReadToEndAsync(limit.Token);
        await node.WaitForExitAsync(limit.Token);

        Assert.True(node.ExitCode == 0, $"{output}\n{await complaints}");
    }

    private static Process? Start(string folder)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("node", ["--test"])
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
