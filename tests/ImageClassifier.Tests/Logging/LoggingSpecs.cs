using ImageClassifier.Core;
using ImageClassifier.Host.Logging;
using ImageClassifier.Tests.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Xunit;

namespace ImageClassifier.Tests.Logging;

public sealed class LoggingSpecs : IDisposable
{
    private static readonly InstanceId Instance = InstanceId.Parse("i-1");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_node_s_line_is_in_its_file_at_once_with_its_time_in_UTC()
    {
        using var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance));
        logging.CreateLogger("Some.Place").LogInformation("Took {Count} messages.", 3);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INF Some\.Place Took 3 messages\.$", Lines().Single());
    }

    [Fact]
    public void A_node_s_log_goes_on_where_it_was()
    {
        foreach (var run in new[] { 1, 2 })
        {
            using var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance));
            logging.CreateLogger("Place").LogWarning("Run {Run}", run);
        }

        Assert.Equal(2, Lines().Length);
    }

    [Fact]
    public void A_node_s_log_is_cut_and_its_oldest_parts_go()
    {
        using (var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance)))
        {
            var log = logging.CreateLogger("Place");
            var megabyte = new string('x', 1024 * 1024);
            for (var i = 0; i < 90; i++) log.LogInformation("{Text}", megabyte);
        }

        var files = new DirectoryInfo(Path.Combine(_folder.Path, "logs")).GetFiles();
        Assert.Equal(3, files.Length);
        Assert.All(files, file => Assert.InRange(file.Length, 1, 22 * 1024 * 1024));
    }

    [Fact]
    public void The_console_log_leaves_standard_output_alone()
    {
        using var services = new ServiceCollection()
            .AddLogging(builder => builder.AddStandardErrorLog())
            .BuildServiceProvider();
        Assert.Equal(LogLevel.Trace,
            services.GetRequiredService<IOptions<ConsoleLoggerOptions>>().Value.LogToStandardErrorThreshold);
        var format = services.GetRequiredService<IOptions<SimpleConsoleFormatterOptions>>().Value;
        Assert.True(format.SingleLine);
        Assert.True(format.UseUtcTimestamp);
    }

    // The file is still open for writing.
    private string[] Lines()
    {
        using var file = new FileStream(
            FileLogging.PathOf(_folder.Path, Instance), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
