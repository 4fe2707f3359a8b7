using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Akka.Hosting;
using ImageClassifier.Core;
using ImageClassifier.Host.Hosting;
using ImageClassifier.Host.Logging;
using ImageClassifier.Tests.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Xunit;
using LogLevel = Microsoft.Extensions.Logging.LogLevel;

namespace ImageClassifier.Tests.Logging;

public sealed class LoggingSpecs : IDisposable
{
    private static readonly InstanceId Instance = InstanceId.Parse("i-1");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_nodes_log_line_is_in_its_file_at_once_with_its_time_in_UTC()
    {
        using var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance));
        logging.CreateLogger("Some.Place").LogInformation("Took {Count} messages.", 3);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INF Some\.Place Took 3 messages\.$", Lines().Single());
    }

    [Fact]
    public void A_restarted_nodes_log_is_appended()
    {
        foreach (var run in new[] { 1, 2 })
        {
            using var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance));
            logging.CreateLogger("Place").LogWarning("Run {Run}", run);
        }

        Assert.Equal(2, Lines().Length);
    }

    [Fact]
    public void A_nodes_log_is_split_and_its_oldest_parts_are_deleted()
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
    public async Task An_actors_log_line_has_only_the_name_of_its_class_and_its_message()
    {
        var batch = BatchId.New();
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddInstanceLog(_folder.Path, Instance);
        builder.Services.AddActorSystem(
            ConfigurationFactory.ParseString("akka { loglevel = INFO, stdout-loglevel = OFF }"),
            ActorSystemHosting.NodeStop,
            akka => akka.WithActors((system, _) => system.ActorOf(Props.Create(() => new ChattyActor(batch)))));
        var logged = $"Z WRN {typeof(LoggingSpecs).FullName} Batch {batch.LogReference} has 3 jobs";
        using (var host = builder.Build())
        {
            await host.StartAsync();
            // A log that is being stopped may drop the actors' last lines.
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1), TimeProvider.System);
            while (!Lines().Any(line => line.EndsWith(logged, StringComparison.Ordinal)))
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, limit.Token);
            await host.StopAsync();
        }

        Assert.DoesNotContain(Lines(), line => line.Contains("in detail", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Batch {0} cannot be read", "Batch {1} cannot be read")]
    [InlineData("'/data/objects/batches/open/{0}' is gone", "'/data/objects/batches/open/{1}' is gone")]
    [InlineData("images/{0}/{2}.jpg", "images/{1}/{2}.jpg")]
    [InlineData(@"C:\data\results\{0}\{2}.json", @"C:\data\results\{1}\{2}.json")]
    [InlineData("GET /ws?batch={0}&after=1", "GET /ws?batch={1}&after=1")]
    [InlineData("DeleteBatch {{ Batch = {0} }}", "DeleteBatch {{ Batch = {1} }}")]
    [InlineData("\"batchId\":\"{0}\"", "\"batchId\":\"{1}\"")]
    [InlineData("akka://image-classifier/user/web/batches/{0}#7", "akka://image-classifier/user/web/batches/{1}#7")]
    [InlineData("Job {2} was handed back", "Job {2} was handed back")]
    public void References_replace_batch_ids_in_messages_and_exceptions(string text, string logged)
    {
        var (batch, job) = (BatchId.New(), JobId.New());
        var (written, expected) = (Fill(text), Fill(logged));
        using (var logging = LoggerFactory.Create(builder => builder.AddInstanceLog(_folder.Path, Instance)))
            logging.CreateLogger("Place").LogError(new IOException(written), "{Text}", written);
        Assert.EndsWith($"ERR Place {expected}", Lines()[0], StringComparison.Ordinal);
        Assert.Equal($"System.IO.IOException: {expected}", Lines()[1]);

        string Fill(string template) => string.Format(
            System.Globalization.CultureInfo.InvariantCulture, template, batch, batch.LogReference, job);
    }

    [Fact]
    public void References_replace_batch_ids_in_the_console_log_too()
    {
        var error = new StringWriter();
        var before = Console.Error;
        var batch = BatchId.New();
        Console.SetError(error);
        try
        {
            using var logging = LoggerFactory.Create(builder => builder.AddStandardErrorLog());
            using var scope = logging.CreateLogger("Place").BeginScope("/api/batches/{Batch}", batch);
            logging.CreateLogger("Place").LogError(new IOException($"images/{batch}/a"), "Batch {Batch} is odd", batch);
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.DoesNotContain(batch.Value, error.ToString(), StringComparison.Ordinal);
        Assert.Contains($"Batch {batch.LogReference} is odd", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_console_log_does_not_write_to_standard_output()
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

    private sealed class ChattyActor : ReceiveActor
    {
        public ChattyActor(BatchId batch)
        {
            var log = Context.GetLogger();
            log.Warning("Batch {Batch} has {Count} jobs", batch, 3);
            log.Debug("in detail");
        }
    }

    // The file is still open for writing.
    private string[] Lines()
    {
        // The first line creates the file.
        var path = FileLogging.PathOf(_folder.Path, Instance);
        if (!File.Exists(path)) return [];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }
}
