namespace ImageClassifier.Host.CommandLine.Send;

/// <summary>An output whose failures end the run. Otherwise they would look like those of a call to the service, which is
/// tried again, and the outcome would be missing.</summary>
/// <param name="output">The output.</param>
internal sealed class CheckedOutput(ISendOutput output) : ISendOutput
{
    /// <inheritdoc />
    public void Print(SendOutcome outcome) => Check(() => output.Print(outcome));

    /// <inheritdoc />
    public void PrintUnstored(SendOutcome outcome) => Check(() => output.PrintUnstored(outcome));

    /// <inheritdoc />
    public void End(IEnumerable<SendOutcome> outcomes) => Check(() => output.End(outcomes));

    /// <inheritdoc />
    public void Dispose() => Check(output.Dispose);

    private static void Check(Action write)
    {
        try
        {
            write();
        }
        catch (IOException failure)
        {
            throw new OutputFailedException(failure);
        }
    }
}

/// <summary>An outcome cannot be written.</summary>
internal sealed class OutputFailedException(IOException cause) : Exception(cause.Message, cause);
