using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ImageClassifier.Core.Outbound;

namespace ImageClassifier.Web.Callbacks;

/// <summary>Makes one try of a delivery.</summary>
/// <param name="http">Sends the request. It must not follow redirects.</param>
/// <param name="secrets">The secrets that sign.</param>
/// <param name="time">The clock of the time limit and of the signature.</param>
internal sealed class CallbackSender(HttpMessageInvoker http, CallbackSecrets secrets, TimeProvider time)
{
    /// <summary>How long a receiver may take to answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private const string Json = "application/json";
    private const string Product = "image-classifier";

    /// <summary>Sends a delivery, and reads only the head of the answer.</summary>
    public async Task<CallbackAnswer> SendAsync(CallbackDelivery delivery, CancellationToken cancellation)
    {
        var ownSecrets = secrets.Of(delivery.Key);
        if (ownSecrets.Count == 0)
        {
            return new CallbackAnswer.Failed(
                "the settings have no secret for image-classifier.callbacks.secrets."
                + (delivery.Key ?? CallbackSecrets.WithoutKey));
        }

        using var request = RequestOf(delivery, ownSecrets);
        using var limit = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var response = await http.SendAsync(request, end.Token).ConfigureAwait(false);
            return AnswerOf(response);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new CallbackAnswer.Failed($"it did not answer within {Limit.TotalSeconds:0} s");
        }
        catch (HttpRequestException failure)
        {
            return new CallbackAnswer.Failed(
                failure.InnerException is ForbiddenAddressException forbidden ? forbidden.Message : failure.Message);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // Otherwise it would be tried again without a pause and without an end.
            return new CallbackAnswer.Failed($"it cannot be called ({failure.GetType().Name})");
        }
    }

    private HttpRequestMessage RequestOf(CallbackDelivery delivery, IReadOnlyList<byte[]> ownSecrets)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, delivery.Url)
        {
            Content = new StringContent(delivery.Body, Encoding.UTF8, new MediaTypeHeaderValue(Json)),
        };
        request.Headers.UserAgent.ParseAdd(Product);
        request.Headers.Add("webhook-id", delivery.Id);
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(
            "webhook-signature", CallbackSignature.Of(ownSecrets, delivery.Id, timestamp, delivery.Body));
        return request;
    }

    private CallbackAnswer AnswerOf(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode) return new CallbackAnswer.Accepted();
        var status = (int)response.StatusCode;
        var retryAfter = response.Headers.RetryAfter is { } header
            ? header.Delta ?? header.Date - time.GetUtcNow()
            : null;
        return new CallbackAnswer.Failed(
            status is >= 300 and < 400
                ? $"it answered {status}, and redirects are not followed"
                : $"it answered {status}")
        {
            RetryAfter = retryAfter,
            IsFinal = response.StatusCode == HttpStatusCode.Gone,
        };
    }
}

/// <summary>What came of a try.</summary>
internal abstract record CallbackAnswer
{
    private CallbackAnswer()
    {
    }

    /// <summary>The receiver has taken the delivery.</summary>
    public sealed record Accepted : CallbackAnswer;

    /// <summary>The receiver has not taken it.</summary>
    /// <param name="Reason">Why, in words.</param>
    public sealed record Failed(string Reason) : CallbackAnswer
    {
        /// <summary>When the receiver wants the next try; null if it says nothing.</summary>
        public TimeSpan? RetryAfter { get; init; }

        /// <summary>True if the receiver wants no further tries.</summary>
        public bool IsFinal { get; init; }
    }
}
