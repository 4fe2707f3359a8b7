using System.Globalization;
using System.Text.RegularExpressions;
using ImageClassifier.Core;
using ImageClassifier.Testing;
using ImageClassifier.Tests.Configuration;
using ImageClassifier.Web.Http.Connections;
using ImageClassifier.Web.Supervision;
using Xunit;

namespace ImageClassifier.Tests.Web.Http.Connections;

/// <summary>How many connections the limit of open files allows.</summary>
public sealed partial class ConnectionBudgetSpecs
{
    // The program's 400 files, 20,000 connections, 10,000 subscribers, and the files of 256 uploads and 2,000 reads.
    private const int Enough = 400 + 20_000 + 10_000 + 256 + 2000;

    private static readonly WebTierSettings Tier = WebTierSettings.Create(Sources.With());

    [Theory]
    [InlineData(null)]
    [InlineData((long)Enough)]
    [InlineData(1L << 40)]
    public void With_enough_files_the_settings_apply_unchanged(long? openFiles)
    {
        var budget = ConnectionBudget.Of(openFiles, Tier, childProcesses: 0);
        Assert.Equal((20_000, 10_000, null), (budget.MaxConnections, budget.MaxSubscribers, budget.Warning));
    }

    [Fact]
    public void With_fewer_files_there_are_fewer_connections_and_a_warning()
    {
        var budget = ConnectionBudget.Of(600, Tier, childProcesses: 4);
        Assert.Equal((59, 29), (budget.MaxConnections, budget.MaxSubscribers));
        Assert.Contains(
            "600 files open, so it takes at most 59 connections (web.max-connections is 20000) and 29 subscribers",
            budget.Warning, StringComparison.Ordinal);
        Assert.EndsWith($"raise its limit of open files (ulimit -n, LimitNOFILE under systemd) to {Enough + (4 * 6)}.",
            budget.Warning, StringComparison.Ordinal);
        var limited = budget.Limit(Tier);
        Assert.Equal((59, 29), (limited.Edge.MaxConnections, limited.Results.MaxSubscribers));
    }

    [Fact]
    public void Connections_and_the_files_of_uploads_and_reads_fit_in_every_limit()
    {
        for (var openFiles = 464; openFiles < Enough; openFiles++)
        {
            var budget = ConnectionBudget.Of(openFiles, Tier, childProcesses: 0);
            var files = budget.MaxConnections + budget.MaxSubscribers + Math.Min(budget.MaxConnections, 256 + 2000);
            Assert.True(400 + files <= openFiles, $"{openFiles}: {budget}");
            Assert.True(budget is { MaxConnections: > 0, MaxSubscribers: > 0 }, $"{openFiles}: {budget}");
        }
    }

    [Fact]
    public void With_too_few_files_to_serve_anyone_the_start_is_refused()
    {
        var wrong = Assert.Throws<InvalidSettingException>(() => ConnectionBudget.Of(463, Tier, childProcesses: 0));
        Assert.Contains("needs at least 464", wrong.Message, StringComparison.Ordinal);
        Assert.Contains("LimitNOFILE", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_systemd_unit_allows_all_connections_of_the_default_settings()
    {
        var unit = File.ReadAllText(Path.Combine(
            Repository.Root, "deploy", "image", "systemd", "image-classifier-web.service"));
        var limit = long.Parse(LimitOfFiles().Match(unit).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.Null(ConnectionBudget.Of(limit, Tier, childProcesses: 1000).Warning);
    }

    [GeneratedRegex("^LimitNOFILE=([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex LimitOfFiles();
}
