namespace ImageClassifier.Adapters.Embedded.Sqlite;

/// <summary>The schema of a database. SQLite's <c>application_id</c> and <c>user_version</c> identify it, and steps
/// migrate each version to the next.</summary>
/// <param name="Name">The name of the database, as the beginning of a sentence.</param>
/// <param name="ApplicationId">Four letters as a number.</param>
/// <param name="Steps">Step i migrates version i to version i + 1. Version 0 is an empty file. A released step never
/// changes.</param>
/// <param name="FirstVersion">Queries that succeed only on version 1, which had no application id.</param>
/// <param name="WhenNew">SQL that runs once after the steps if the file was empty; may be empty.</param>
internal sealed record DatabaseSchema(
    string Name, int ApplicationId, IReadOnlyList<string> Steps, IReadOnlyList<string> FirstVersion,
    string WhenNew = "")
{
    public int Version => Steps.Count;
}

/// <summary>A database file belongs to something else, or to a newer version of the program. It was not
/// changed.</summary>
public sealed class ForeignDatabaseException(string message) : IOException(message);
