using ArchUnitNET.Domain;
using Xunit;

namespace ImageClassifier.Tests.Architecture;

/// <summary>The arrows between the folders of each project. A folder is a namespace directly below the project's,
/// including all namespaces below it. The project's own namespace counts as a folder too.</summary>
public sealed class FolderSpecs
{
    private const string ProgramNamespace = "ImageClassifier";

    /// <summary>The namespaces of the projects in src.</summary>
    public static TheoryData<string> Projects =>
    [
        "ImageClassifier.Core",
        "ImageClassifier.Streams",
        "ImageClassifier.Web",
        "ImageClassifier.Node",
        "ImageClassifier.Adapters.Aws",
        "ImageClassifier.Adapters.Embedded",
        "ImageClassifier.Adapters.Onnx",
        "ImageClassifier.Simulator",
        "ImageClassifier.Training",
        "ImageClassifier.Host",
    ];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folders_of_a_project_do_not_depend_on_each_other_in_a_circle(string project)
    {
        var arrows = ArrowsOf(project);
        string[] circles =
            [.. ArrowsInCircles(arrows).Select(arrow => $"{arrow.From} -> {arrow.To}: {arrow.Example}")];
        Assert.True(circles.Length == 0, string.Join(Environment.NewLine, circles));
    }

    [Fact]
    public void Every_type_of_the_program_is_in_a_folder_that_the_rule_checks()
    {
        string[] projects = [.. Projects];
        Assert.Empty(ArchitectureSpecs.Program.Types
            .Where(type => IsIn(type, ProgramNamespace) && !projects.Any(project => IsIn(type, project)))
            .Select(type => type.FullName));
    }

    [Fact]
    public void The_rule_sees_the_arrows_between_folders() =>
        Assert.Contains(
            ArrowsOf("ImageClassifier.Web"), arrow => arrow.From == "Uploads" && arrow.To == "Results");

    [Fact]
    public void The_rule_finds_a_circle_and_leaves_out_the_arrows_that_only_lead_to_it() =>
        Assert.Equal(["A", "B", "C"], ArrowsInCircles(
            [
                new Arrow("A", "B", ""), new Arrow("B", "C", ""), new Arrow("C", "A", ""), new Arrow("D", "A", ""),
                new Arrow("C", "E", ""),
            ])
            .Select(arrow => arrow.From).Order(StringComparer.Ordinal));

    private static List<Arrow> ArrowsOf(string project) =>
    [
        .. from type in ArchitectureSpecs.Program.Types
           where type is not GenericParameter && IsIn(type, project)
           from dependency in type.Dependencies
           // ArchUnitNET treats type parameters with the same name as one type, even if they belong to different
           // methods.
           where dependency.Target is not GenericParameter && IsIn(dependency.Target, project)
           let arrow = new Arrow(
               FolderOf(type, project), FolderOf(dependency.Target, project),
               $"{type.Name} uses {dependency.Target.Name}")
           where arrow.From != arrow.To
           group arrow by (arrow.From, arrow.To) into same
           select same.First(),
    ];

    private static IEnumerable<Arrow> ArrowsInCircles(IReadOnlyCollection<Arrow> arrows)
    {
        var targets = arrows.ToLookup(arrow => arrow.From, arrow => arrow.To);
        return arrows.Where(arrow => Reaches(arrow.To, arrow.From));

        bool Reaches(string from, string to)
        {
            var seen = new HashSet<string> { from };
            var open = new Queue<string>(seen);
            while (open.TryDequeue(out var folder))
            {
                if (folder == to) return true;
                foreach (var next in targets[folder].Where(seen.Add)) open.Enqueue(next);
            }

            return false;
        }
    }

    private static bool IsIn(IType type, string space) =>
        type.Namespace?.FullName is { } name
        && (name == space || name.StartsWith($"{space}.", StringComparison.Ordinal));

    private static string FolderOf(IType type, string project) =>
        type.Namespace.FullName == project ? "" : type.Namespace.FullName[(project.Length + 1)..].Split('.')[0];

    private sealed record Arrow(string From, string To, string Example);
}
