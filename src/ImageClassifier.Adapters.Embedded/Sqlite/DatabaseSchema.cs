namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>What makes a database one of ours: SQLite's <c>application_id</c> and <c>user_version</c>, and the steps
/// from each version to the next.</summary>
/// <param name="Name">What it is, in words that begin a sentence.</param>
/// <param name="ApplicationId">Four letters as a number.</param>
/// <param name="Steps">Step i makes version i + 1 from version i; version 0 is an empty file. Once released, a step
/// stays as it is.</param>
/// <param name="FirstVersion">Queries that work on version 1, which had no application id, and on no one else's
/// file.</param>
/// <param name="WhenNew">Runs once after the steps in a file that was empty; may be empty.</param>
internal sealed record DatabaseSchema(
    string Name, int ApplicationId, IReadOnlyList<string> Steps, IReadOnlyList<string> FirstVersion,
    string WhenNew = "")
{
    public int Version => Steps.Count;
}

/// <summary>A database file is not ours, or is of a newer version of the program. Nothing was changed in it.</summary>
public sealed class ForeignDatabaseException(string message) : IOException(message);
