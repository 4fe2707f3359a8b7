using ImageClassifier.Core.Messages;

namespace ImageClassifier.Web.Models;

/// <summary>What the host knows about models on its machine.</summary>
/// <param name="OfSetting">The model of the nodes' setting; null if nodes run on other machines.</param>
/// <param name="BuiltInSha256">The SHA-256 of the model that comes with the program; null if it is not
/// installed.</param>
public sealed record KnownModels(ModelIdentity? OfSetting, string? BuiltInSha256);
