using System.Security;
using Microsoft.AspNetCore.Http;

namespace ImageClassifier.EndToEnd.Cloud.Proxy;

/// <summary>The refusal of a call that the policy does not allow.</summary>
internal sealed record Refusal(string Role, NeededPermission Missing)
{
    public override string ToString() => $"{Role} may not {Missing}";

    /// <summary>Writes the refusal as the service itself does.</summary>
    public async Task AnswerAsync(SignedRequest request, HttpResponse response)
    {
        var message = $"User: {Role} is not authorized to perform: {Missing.Action} on resource: {Missing.Resource} "
            + $"because no identity-based policy allows the {Missing.Action} action";
        // SSM and KMS answer 400, all others 403.
        response.StatusCode = request.Service is "ssm" or "kms"
            ? StatusCodes.Status400BadRequest
            : StatusCodes.Status403Forbidden;
        if (request.Service == "sqs") response.Headers["x-amzn-query-error"] = "AccessDenied;Sender";
        var isJson = request.Service is "sqs" or "ssm" or "kms";
        response.ContentType = isJson ? "application/x-amz-json-1.0" : "text/xml";
        if (request.Http.Method == HttpMethods.Head) return;
        var text = SecurityElement.Escape(message);
        await response.WriteAsync(request.Service switch
        {
            "s3" => $"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>",
            "ec2" => "<Response><Errors><Error><Code>UnauthorizedOperation</Code>"
                + $"<Message>{text}</Message></Error></Errors></Response>",
            "iam" => "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                + $"<Message>{text}</Message></Error></ErrorResponse>",
            _ => $$"""{"__type":"com.amazon.coral.service#AccessDeniedException","message":"{{message}}"}""",
        });
    }
}
