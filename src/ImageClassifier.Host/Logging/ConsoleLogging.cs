using Microsoft.Extensions.Logging.Console;

namespace ImageClassifier.Host.Logging;

/// <summary>The log of a program on a terminal or under a service manager.</summary>
public static class ConsoleLogging
{
    /// <summary>Logs to standard error, because standard output is for results. Each event is one line with its time in
    /// UTC and its scopes.</summary>
    public static ILoggingBuilder AddStandardErrorLog(this ILoggingBuilder logging)
    {
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        // Replaces the provider that AddSimpleConsole has added.
        logging.Services.Remove(
            logging.Services.Single(service => service.ImplementationType == typeof(ConsoleLoggerProvider)));
        logging.Services.AddSingleton<ILoggerProvider>(services => new RedactingLoggerProvider(
            ActivatorUtilities.CreateInstance<ConsoleLoggerProvider>(services)));
        return logging;
    }
}
