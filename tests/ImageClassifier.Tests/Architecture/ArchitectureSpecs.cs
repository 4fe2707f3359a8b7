using ArchUnitNET.Domain;
using ArchUnitNET.Fluent;
using ArchUnitNET.Fluent.Syntax.Elements.Types;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnit;
using ImageClassifier.Testing;
using Xunit;
using static ArchUnitNET.Fluent.ArchRuleDefinition;
using Assembly = System.Reflection.Assembly;

namespace ImageClassifier.Tests.Architecture;

/// <summary>The arrows between projects, and the names of types.</summary>
public sealed class ArchitectureSpecs
{
    private const string Core = "ImageClassifier.Core";
    private const string Streams = "ImageClassifier.Streams";
    private const string Web = "ImageClassifier.Web";
    private const string Node = "ImageClassifier.Node";
    private const string Aws = "ImageClassifier.Adapters.Aws";
    private const string Embedded = "ImageClassifier.Adapters.Embedded";
    private const string Onnx = "ImageClassifier.Adapters.Onnx";
    private const string Simulator = "ImageClassifier.Simulator";
    private const string Training = "ImageClassifier.Training";
    private const string Host = "image-classifier";

    /// <summary>The projects of this solution that each project may use. The host may use all.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        [Core] = [],
        [Streams] = [Core],
        [Web] = [Streams, Core],
        [Node] = [Streams, Core],
        [Aws] = [Core],
        [Embedded] = [Core],
        [Onnx] = [Core],
        [Simulator] = [Core, Streams, Web, Node],
        [Training] = [Core],
        [Host] = [Core, Streams, Web, Node, Aws, Embedded, Onnx, Simulator, Training],
    };

    /// <summary>The libraries that only some projects may use, by namespace.</summary>
    private static readonly Dictionary<string, string[]> Libraries = new()
    {
        ["Akka"] = [Streams, Web, Node, Simulator, Host],
        ["Amazon"] = [Aws],
        ["CsvHelper"] = [Simulator, Host],
        ["Microsoft.AspNetCore"] = [Web, Host],
        ["Microsoft.Data.Sqlite"] = [Embedded, Host],
        ["Microsoft.ML"] = [Onnx],
        ["Polly"] = [Streams, Node, Host],
        ["ScottPlot"] = [Simulator],
        ["SkiaSharp"] = [Onnx, Simulator, Training],
        ["Spectre.Console"] = [Host],
        ["System.CommandLine"] = [Host],
    };

    private static readonly Dictionary<string, Assembly> Assemblies =
        Arrows.Keys.ToDictionary(name => name, Assembly.Load);

    internal static ArchUnitNET.Domain.Architecture Program { get; } =
        new ArchLoader().LoadAssemblies([.. Assemblies.Values]).Build();

    public static TheoryData<string> Projects => [.. Arrows.Keys];

    [Fact]
    public void Every_project_of_the_program_is_held_to_the_rules() =>
        Assert.Equal(
            Arrows.Keys.Select(name => name == Host ? "ImageClassifier.Host" : name).Order(StringComparer.Ordinal),
            Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
                .Select(folder => Path.GetFileName(folder)!)
                .Order(StringComparer.Ordinal));

    // A rule that matches no type passes silently. So these tests check that the rules match types.
    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_with_code_shows_its_types_to_the_rules(string project)
    {
        var folder = Path.Combine(Repository.Root, "src", project == Host ? "ImageClassifier.Host" : project);
        var hasCode = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Any(file => !Path.GetRelativePath(folder, file).StartsWith("obj", StringComparison.Ordinal)
                && !Path.GetRelativePath(folder, file).StartsWith("bin", StringComparison.Ordinal));
        Assert.Equal(hasCode, TypesOf(project).GetObjects(Program).Any(type => type.Namespace.FullName.StartsWith(
            "ImageClassifier", StringComparison.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_its_allowed_projects(string project)
    {
        foreach (var other in Arrows.Keys.Except([project, .. Arrows[project]]))
        {
            // A rule must also pass for a project without code.
            Types().That().Are(TypesOf(project)).Should().NotDependOnAny(TypesOf(other))
                .Because($"the arrows between projects are {project} -> {string.Join(", ", Arrows[project])}")
                .WithoutRequiringPositiveResults()
                .Check(Program);
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_its_allowed_projects(string project) =>
        Assert.Empty(Assemblies[project].GetReferencedAssemblies()
            .Select(reference => reference.Name!)
            .Where(Arrows.ContainsKey)
            .Except(Arrows[project]));

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_uses_only_its_allowed_libraries(string project)
    {
        foreach (var (library, users) in Libraries)
        {
            if (users.Contains(project)) continue;
            SeesNothingOf(project, library).Check(Program);
        }
    }

    [Fact]
    public void The_rules_find_forbidden_references()
    {
        Assert.False(SeesNothingOf(Host, "System.CommandLine").HasNoViolations(Program));
        Assert.False(SeesNothingOf(Streams, "Akka").HasNoViolations(Program));
        Assert.False(Types().That().Are(TypesOf(Host)).Should().NotDependOnAny(TypesOf(Core)).HasNoViolations(Program));
    }

    [Fact]
    public void No_type_has_a_name_without_meaning() =>
        Types().That().ResideInNamespaceMatching(@"^ImageClassifier(\.|$)")
            .Should().NotHaveNameMatching("(Helper|Util|Utility|Utilitie|Manager)s?$")
            .Check(Program);

    [Fact]
    public void Actors_are_sealed_and_their_names_end_in_Actor()
    {
        Classes().That().HaveNameEndingWith("Actor").Should().BeSealed()
            .WithoutRequiringPositiveResults()
            .Check(Program);
        Assert.All(Assemblies.Values.SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.IsAssignableTo(typeof(Akka.Actor.ActorBase))),
            actor => Assert.EndsWith("Actor", actor.Name, StringComparison.Ordinal));
    }

    private static GivenTypesConjunction TypesOf(string project) =>
        Types().That().ResideInAssembly(Assemblies[project]);

    private static ArchRule<IType> SeesNothingOf(string project, string library) =>
        Types().That().Are(TypesOf(project))
            .Should().NotDependOnAny(Types(includeReferenced: true).That().ResideInNamespaceMatching(
                $@"^{library.Replace(".", @"\.", StringComparison.Ordinal)}(\.|$)"))
            .Because($"{project} must not know {library}")
            .WithoutRequiringPositiveResults();
}
