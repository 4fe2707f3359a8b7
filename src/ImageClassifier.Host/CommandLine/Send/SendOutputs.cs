using System.Globalization;
using System.Text;
using CsvHelper;
using ImageClassifier.Core.Messages;
using Spectre.Console;
using static ImageClassifier.Host.CommandLine.TerminalTable;

namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>Writes the outcomes of a send. Only one thread at a time uses it.</summary>
internal interface ISendOutput : IDisposable
{
    /// <summary>Writes an outcome that the journal has too.</summary>
    void Print(SendOutcome outcome);

    /// <summary>Writes an outcome of this run alone.</summary>
    void PrintUnstored(SendOutcome outcome);

    /// <summary>Completes the output. Also called if the work ended early.</summary>
    /// <param name="outcomes">All outcomes of the journal, in order.</param>
    void End(IEnumerable<SendOutcome> outcomes);
}

/// <summary>A JSON document a line, as the outcomes come.</summary>
internal sealed class JsonLines(TextWriter output) : ISendOutput
{
    public void Print(SendOutcome outcome)
    {
        output.WriteLine(TerminalJson.Write(outcome));
        output.Flush();
    }

    public void PrintUnstored(SendOutcome outcome) => Print(outcome);

    public void End(IEnumerable<SendOutcome> outcomes)
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>A CSV file, a row for each outcome as it comes. Spreadsheets run nothing in it.</summary>
internal sealed class CsvFile : ISendOutput
{
    private static readonly string[] Header =
        ["file", "status", "label", "probability", "error", "errorCode", "model", "batchId", "jobId", "cached"];

    // Earlier versions wrote fewer columns.
    private static readonly byte[] Beginning = "file,status,label,"u8.ToArray();

    private readonly CsvWriter _csv;

    /// <summary>Begins the file. Only a file of an earlier run is overwritten.</summary>
    /// <exception cref="IOException">It cannot be written, or it is something else.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public CsvFile(string path)
    {
        if (!IsOurs(path)) throw new IOException("The file exists and is no result of an earlier send.");
        _csv = CsvWriter.Create(
            new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)),
            new CsvWriterOptions { NewLine = "\n", Injection = CsvInjection.Escape });
        _csv.WriteHeader(Header);
    }

    private static bool IsOurs(string path)
    {
        var file = new FileInfo(path);
        // What is no plain file, such as a pipe, cannot lose anything.
        if (!file.Exists || file.Length == 0) return true;
        using var stream = file.OpenRead();
        var beginning = new byte[Beginning.Length];
        var length = stream.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false);
        return beginning.AsSpan(0, length).SequenceEqual(Beginning);
    }

    public void Print(SendOutcome outcome)
    {
        var best = outcome.Predictions?[0];
        _csv.WriteField(outcome.File);
        _csv.WriteField(outcome.Status.ToString().ToLowerInvariant());
        _csv.WriteField(best?.Label);
        _csv.WriteField(best?.Probability);
        _csv.WriteField(outcome.Error);
        _csv.WriteField(outcome.ErrorCode);
        _csv.WriteField(outcome.Model?.Name);
        _csv.WriteField(outcome.BatchId);
        _csv.WriteField(outcome.JobId);
        _csv.WriteField(outcome.Cached is true ? "true" : null);
        _csv.EndRecord();
        _csv.Flush();
    }

    public void PrintUnstored(SendOutcome outcome) => Print(outcome);

    public void End(IEnumerable<SendOutcome> outcomes)
    {
    }

    public void Dispose() => _csv.Dispose();
}

/// <summary>Tables of at most some hundred rows in the order of the paths, so that memory does not hold all
/// rows.</summary>
internal sealed class SendTable(TextWriter output, int? width) : ISendOutput
{
    private const int MostRows = 500;

    private readonly List<SendOutcome> _unstored = [];

    public void Print(SendOutcome outcome)
    {
    }

    public void PrintUnstored(SendOutcome outcome) => _unstored.Add(outcome);

    public void End(IEnumerable<SendOutcome> outcomes)
    {
        foreach (var rows in outcomes.Concat(_unstored).Chunk(MostRows))
        {
            var table = new Table().Border(TableBorder.Rounded)
                .AddColumn("File")
                .AddColumn("Label")
                .AddColumn(new TableColumn("Probability").RightAligned());
            foreach (var row in rows)
            {
                if (row is { Status: JobStatus.Classified, Predictions: [var best, ..] })
                {
                    table.AddRow(
                        Plain(row.File), Plain(best.Label),
                        Plain(best.Probability.ToString("P1", CultureInfo.InvariantCulture)));
                    continue;
                }

                var red = new Style(Color.Red);
                table.AddRow(
                    Plain(row.File), Plain(row.Error ?? "", red), Plain(row.Status.ToString().ToLowerInvariant(), red));
            }

            table.Write(output, width);
        }

        output.Flush();
    }

    public void Dispose()
    {
    }
}
