using Microsoft.AspNetCore.Builder;

namespace ImageClassifier.Web.Edge;

/// <summary>Kinds of errors that a call can answer, for the API's description. A call can have several of these.</summary>
internal sealed record CallProblems(IReadOnlyList<ProblemKind> Kinds);

/// <summary>Adds <see cref="CallProblems"/> to calls.</summary>
internal static class CallProblemExtensions
{
    /// <summary>Says that the call can answer these errors.</summary>
    public static TBuilder CanFailWith<TBuilder>(this TBuilder call, params ProblemKind[] kinds)
        where TBuilder : IEndpointConventionBuilder => call.WithMetadata(new CallProblems(kinds));
}
