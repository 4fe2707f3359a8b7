using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Outbound;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Callbacks;
using ImageClassifier.Web.Cluster;
using Microsoft.Extensions.DependencyInjection;

namespace ImageClassifier.Web.Hosting;

/// <summary>Registers what calls the clients' receivers.</summary>
internal static class CallbackHosting
{
    /// <summary>Adds the HTTP client of deliveries, and the check of uploads with a callback.</summary>
    public static IServiceCollection AddCallbacks(this IServiceCollection services, CallbackSettings settings) => services
        .AddSingleton(settings)
        .AddSingleton<CallbackRequests>()
        .AddSingleton(provider => new CallbackSender(
            new HttpMessageInvoker(OutboundHttp.CreateHandler(settings.Addresses)), settings.Secrets,
            provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<CallbackCourier>();

    /// <summary>Adds the <see cref="CallbackActor"/>, of which the tier has one.</summary>
    public static AkkaConfigurationBuilder WithCallbacks(
        this AkkaConfigurationBuilder builder, CallbackSettings settings, ClusterSettings cluster) =>
        builder.WithActorOfTier<CallbackActor>("callbacks", cluster, (_, services) =>
        {
            var store = services.GetService<IObjectStore>();
            var courier = services.GetService<CallbackCourier>();
            return Props.Create(() => new CallbackActor(store, courier, settings));
        });
}
