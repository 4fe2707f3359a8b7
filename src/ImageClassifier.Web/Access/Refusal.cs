using ImageClassifier.Web.Uploads;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.Web.Access;

/// <summary>Answers a call that is refused before its body is read.</summary>
internal static class Refusal
{
    public static Task AnswerAsync(HttpContext context, IResult problem)
    {
        // A client that is still sending gets to read the answer rather than a broken connection.
        LimitedBody.LiftServerLimit(context);
        return problem.ExecuteAsync(context);
    }
}
