using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Web.Models;
using ImageClassifier.Web.Repeats;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Web.Hosting;

/// <summary>Registers what finds pictures that were classified before.</summary>
internal static class RepeatHosting
{
    /// <summary>Adds the index of this web node, and its records in the store.</summary>
    public static IServiceCollection AddRepeats(this IServiceCollection services, RepeatSharing sharing) => services
        .AddSingleton(_ => new RepeatIndex(sharing))
        .AddSingleton<RepeatRecords>()
        .AddSingleton(provider => new RepeatFinder(
            sharing, provider.GetRequiredService<KnownModels>(), provider.GetRequiredService<RepeatIndex>(),
            provider.GetRequiredService<RepeatRecords>()));

    /// <summary>Adds the <see cref="RepeatsActor"/>. Each web node has its own index.</summary>
    public static AkkaConfigurationBuilder WithRepeats(this AkkaConfigurationBuilder builder) =>
        builder.WithActorOfNode<RepeatsActor>("repeats", (_, services) =>
        {
            var index = services.GetService<RepeatIndex>();
            var records = services.GetService<RepeatRecords>();
            return Props.Create(() => new RepeatsActor(index, records));
        });
}
