using ImageClassifier.Web.Edge;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Answers a refused call before its body is read.</summary>
internal static class Refusal
{
    public static Task AnswerAsync(HttpContext context, IResult problem)
    {
        // Otherwise a client that is still sending sees a broken connection instead of the answer.
        LimitedBody.LiftServerLimit(context);
        return problem.ExecuteAsync(context);
    }
}
