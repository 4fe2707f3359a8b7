namespace ImageClassifier.Web.Uploads;

/// <summary>The body of an upload request: its files one by one, and its fields.</summary>
internal interface IUploadBody
{
    /// <summary>The field <c>callback</c> as far as the body was read; null if it has none.</summary>
    string? Callback { get; }

    /// <summary>The field <c>callbackEvents</c>.</summary>
    string? CallbackEvents { get; }

    /// <summary>The field <c>deadline</c>.</summary>
    string? Deadline { get; }

    /// <summary>Reads up to the next file; null at the end of the body. Unread bytes of the previous file are
    /// skipped.</summary>
    /// <exception cref="RequestBodyException">The body cannot be read to its end.</exception>
    /// <exception cref="RefusedBodyException">The body is no valid list of references, or a form with a field twice.</exception>
    Task<FormFile?> NextFileAsync(CancellationToken cancellation);
}
