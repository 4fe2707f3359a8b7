using System.Globalization;
using ImageClassifier.Core;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace ImageClassifier.Host.Logging;

/// <summary>The log of an app node, which has no terminal.</summary>
public static class FileLogging
{
    private const long MaxFileSize = 20 * 1024 * 1024;
    private const int MaxFiles = 3;

    /// <summary>The log file of an instance. After a full file the log continues in
    /// <c>{instance}_001.log</c>.</summary>
    public static string PathOf(string dataFolder, InstanceId instance) =>
        Path.Combine(dataFolder, "logs", $"{instance.Value}.log");

    /// <summary>Logs to the instance's file in the data folder. Each event is one line with its time in UTC. At most 60
    /// MB are kept. The operating system has an event when the call returns, so the log of a killed node is
    /// complete.</summary>
    public static ILoggingBuilder AddInstanceLog(this ILoggingBuilder logging, string dataFolder, InstanceId instance)
    {
        var log = new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .WriteTo.File(
                PathOf(dataFolder, instance),
                outputTemplate: "{UtcTimestamp:yyyy-MM-ddTHH:mm:ss.fffZ} {Level:u3} {SourceContext} {Message:lj}{NewLine}{Exception}",
                formatProvider: CultureInfo.InvariantCulture,
                fileSizeLimitBytes: MaxFileSize,
                rollOnFileSizeLimit: true,
                retainedFileCountLimit: MaxFiles,
                buffered: false,
                shared: false)
            .CreateLogger();
        logging.Services.AddSingleton<ILoggerProvider>(
            _ => new RedactingLoggerProvider(new SerilogLoggerProvider(log, dispose: true)));
        return logging.SetMinimumLevel(LogLevel.Trace);
    }
}
