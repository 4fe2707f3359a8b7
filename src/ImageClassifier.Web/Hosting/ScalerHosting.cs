using Akka.Actor;
using Akka.Hosting;
using ImageClassifier.Core.Ports;
using ImageClassifier.Web.Cluster;
using ImageClassifier.Web.Scaling;

namespace ImageClassifier.Web.Hosting;

/// <summary>Registers the scaler.</summary>
internal static class ScalerHosting
{
    /// <summary>Adds the <see cref="ScalerActor"/>, of which the tier has one. If the host has an
    /// <see cref="IScalerLock"/>, the scaler waits for it.</summary>
    public static AkkaConfigurationBuilder WithScaler(
        this AkkaConfigurationBuilder builder, ScalingSettings settings, ClusterSettings cluster) =>
        builder.WithActorOfTier<ScalerActor>("scaler", cluster, (_, services) =>
        {
            var requests = services.GetService<QueuePair>().Requests;
            var store = services.GetService<IObjectStore>();
            var fleet = services.GetService<IInstanceFleet>();
            var scaler = Props.Create(() => new ScalerActor(
                requests, store, fleet, settings.CreatePolicy(), settings));
            return services.GetService<IScalerLock>() is { } scalerLock
                ? Props.Create(() => new LockedScalerActor(scalerLock, scaler))
                : scaler;
        });
}
