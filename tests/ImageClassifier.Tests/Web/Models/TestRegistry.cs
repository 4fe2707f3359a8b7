using ImageClassifier.Core;
using ImageClassifier.Core.Messages;
using ImageClassifier.Core.Ports;
using ImageClassifier.Core.Registry;

namespace ImageClassifier.Tests.Web.Models;

/// <summary>Documents of a registry for tests.</summary>
internal static class TestRegistry
{
    public static ModelReference Old { get; } = Model("old");

    public static ModelReference Older { get; } = Model("older");

    public static ModelReference New { get; } = Model("new");

    public static ModelReference Try { get; } = Model("try");

    /// <summary>A model whose hash follows from its name.</summary>
    public static ModelReference Model(string name) =>
        new(name, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(
            System.Text.Encoding.UTF8.GetBytes(name))));

    /// <summary>The identity of a model as its results name it.</summary>
    public static ModelIdentity Identity(ModelReference model, int? classes = null) =>
        new(model.Name, model.Sha256, classes);

    /// <summary>Stores the rollout.</summary>
    public static Task RollOutAsync(this IObjectStore store, ModelRollout rollout) =>
        store.PutAsync(RegistryKeys.Rollout, WireJson.WriteUtf8(rollout), CancellationToken.None);

    /// <summary>Makes a model active, without others.</summary>
    public static Task ActivateAsync(this IObjectStore store, ModelReference model) =>
        store.RollOutAsync(ModelRollout.None.Activate(model));

    /// <summary>Stores a verdict: usable, or refused with the reason.</summary>
    public static Task JudgeAsync(this IObjectStore store, ModelReference model, string? refusal = null) =>
        store.PutAsync(
            RegistryKeys.Verdict(model),
            WireJson.WriteUtf8(new ModelVerdict(refusal is null, refusal, InstanceId.Parse("node-1"))),
            CancellationToken.None);
}
