using System.Globalization;
using ImageClassifier.Core;
using ImageClassifier.Core.Registry;
using ImageClassifier.Core.Storage;
using ImageClassifier.Host.Models;

namespace ImageClassifier.Host.CommandLine.Models;

/// <summary>The verbs <c>models registry</c>, <c>activate</c>, <c>canary</c> and <c>rollback</c>.</summary>
/// <param name="registry">The registry.</param>
/// <param name="output">The output.</param>
internal sealed class RegistryVerb(ModelRegistry registry, RegistryOutput output)
{
    private const double LeastShare = 0.01;
    private const double MostShare = 0.99;

    /// <summary>Runs a verb.</summary>
    /// <exception cref="InvalidSettingException">An option is wrong. Nothing was done.</exception>
    /// <exception cref="ModelFailureException">The verb failed, and nothing was changed.</exception>
    public async Task<int> RunAsync(RegistryOptions options, CancellationToken cancellation)
    {
        switch (options)
        {
            case ModelsRegistryOptions:
                await ListAsync(options.Json, cancellation);
                return ExitCodes.Done;
            case ModelsActivateOptions activate:
                await ActivateAsync(activate, cancellation);
                return ExitCodes.Done;
            case ModelsCanaryOptions canary:
                await BeginCanaryAsync(canary, cancellation);
                return ExitCodes.Done;
            case ModelsRollbackOptions:
                await RollBackAsync(options.Json, cancellation);
                return ExitCodes.Done;
            default:
                throw new InvalidOperationException("There is no such verb.");
        }
    }

    private async Task ListAsync(bool asJson, CancellationToken cancellation)
    {
        var read = await registry.ReadRolloutAsync(cancellation);
        var rollout = read.OrNull ?? ModelRollout.None;
        var pushed = await registry.ListAsync(null, cancellation);
        var models = pushed.ToList();
        // Someone may have deleted the objects of a model in use.
        foreach (var named in NamedIn(rollout).Where(named => pushed.All(model => model.Model != named)))
            models.Add(await registry.ReadAsync(named, cancellation));
        output.Print(rollout, (read as DocumentRead<ModelRollout>.Damaged)?.Why, models, asJson);
    }

    private async Task ActivateAsync(ModelsActivateOptions options, CancellationToken cancellation)
    {
        var model = await FindGoodAsync(options.Model, cancellation);
        // A damaged document is replaced: nothing else would mend it.
        var before = (await registry.ReadRolloutAsync(cancellation)).OrNull ?? ModelRollout.None;
        await ChangeAsync(before, before.Activate(model.Model), model, options.Json, cancellation);
    }

    private async Task BeginCanaryAsync(ModelsCanaryOptions options, CancellationToken cancellation)
    {
        var share = ParseShare(options.Share);
        var model = await FindGoodAsync(options.Model, cancellation);
        var before = await ReadSoundAsync(cancellation);
        if (model.Model == before.Active)
        {
            throw new ModelFailureException(
                $"{model.Model} is active already: all new batches get it. A canary is another model.")
            { IsWrongUse = true };
        }

        if (model.Model.Sha256 == before.Active?.Sha256)
        {
            throw new ModelFailureException(
                $"{model.Model} is the active model under another name: {before.Active.Name} has the same SHA-256. A canary would "
                + "be compared with itself. Choose another model.")
            { IsWrongUse = true };
        }

        await ChangeAsync(
            before, before with { Canary = new ModelCanary(model.Model, share) }, model, options.Json, cancellation);
    }

    private async Task RollBackAsync(bool asJson, CancellationToken cancellation)
    {
        var before = await ReadSoundAsync(cancellation);
        if (before is { Active: null, Canary: null })
        {
            throw new ModelFailureException(
                "There is nothing to roll back: no model of the registry is active, and there is no canary.")
            { IsWrongUse = true };
        }

        var after = before.RollBack();
        var model = after.Active is null ? null : await registry.ReadAsync(after.Active, cancellation);
        await ChangeAsync(before, after, model, asJson, cancellation);
    }

    private async Task ChangeAsync(
        ModelRollout before, ModelRollout after, RegisteredModel? model, bool asJson, CancellationToken cancellation)
    {
        await registry.WriteRolloutAsync(after, cancellation);
        output.PrintChange(before, after, model, asJson);
    }

    /// <summary>The model that a user named. Nodes can use it, or no node has tried it.</summary>
    private async Task<RegisteredModel> FindGoodAsync(string text, CancellationToken cancellation)
    {
        var found = await registry.FindAsync(ModelSelector.Parse(text), cancellation);
        return found.Fault is { } fault
            ? throw new ModelFailureException(
                $"Nodes cannot use {found.Model}: {fault}. Mend the model and push it (image-classifier models push "
                + $"{found.Model.Name}); a push of the same files makes nodes try them again.")
            : found;
    }

    private async Task<ModelRollout> ReadSoundAsync(CancellationToken cancellation) =>
        await registry.ReadRolloutAsync(cancellation) switch
        {
            DocumentRead<ModelRollout>.Found found => found.Document,
            DocumentRead<ModelRollout>.Damaged damage => throw new ModelFailureException(
                $"{damage.Key} is damaged: {damage.Why}. Activate a model: that writes it anew (image-classifier models "
                + "activate NAME)."),
            _ => ModelRollout.None,
        };

    private static double ParseShare(string text)
    {
        var (number, unit) = text.EndsWith('%') ? (text[..^1].TrimEnd(), 100) : (text, 1);
        // Decimal numbers, because 1% must not become a little less than 0.01.
        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var parsed)
            && (double)(parsed / unit) is >= LeastShare and <= MostShare and var share
                ? share
                : throw new InvalidSettingException(
                    "--share", text, "it must be from 1% to 99%, such as 10% or 0.1; rollback ends a canary, and activate gives "
                    + "the model to all new batches");
    }

    private static IEnumerable<ModelReference> NamedIn(ModelRollout rollout) =>
        ((ModelReference?[])[rollout.Active, rollout.Canary?.Model, .. rollout.Earlier]).OfType<ModelReference>().Distinct();
}
