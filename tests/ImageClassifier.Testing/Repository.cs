namespace ImageClassifier.Testing;

/// <summary>The paths of this repository and of the test data beside it.</summary>
public static class Repository
{
    /// <summary>The folder of <c>ImageClassifier.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of shared test data beside the repository; may be absent.</summary>
    public static string Shared { get; } = Path.Combine(Path.GetDirectoryName(Root)!, "shared");

    public static bool HasShared => Directory.Exists(Path.Combine(Shared, "images"));

    /// <summary>A file of the shared test data. Skips the running test if the data is missing.</summary>
    public static string SharedFile(params string[] path)
    {
        Requirement.Met(HasShared, "the shared test data is not beside the repository");
        return Path.Combine([Shared, .. path]);
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ImageClassifier.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("These tests run from within the repository.");
    }
}
