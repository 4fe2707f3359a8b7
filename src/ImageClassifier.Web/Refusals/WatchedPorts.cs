using ImageClassifier.Core.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ImageClassifier.Web.Refusals;

/// <summary>Wraps the web tier's store and queues so that every refusal is recorded.</summary>
internal static class WatchedPorts
{
    /// <summary>Replaces the registered store and queues by wrapped ones.</summary>
    public static IServiceCollection WatchPorts(this IServiceCollection services) => services
        .AddSingleton(provider => new PortRefusals(
            TimeProvider.System, provider.GetRequiredService<ILogger<PortRefusals>>()))
        .Decorate<IObjectStore>((store, refusals) => new WatchedStore(store, refusals))
        .Decorate<QueuePair>((queues, refusals) => new QueuePair(
            new WatchedQueue(queues.Requests, "request queue", isReceived: false, refusals),
            new WatchedQueue(queues.Responses, "response queue", isReceived: true, refusals)));

    private static IServiceCollection Decorate<T>(
        this IServiceCollection services, Func<T, PortRefusals, T> watch) where T : class
    {
        var inner = services.LastOrDefault(service => service.ServiceType == typeof(T) && !service.IsKeyedService)
            ?? throw new InvalidOperationException($"The host gives no {typeof(T).Name} before the web tier.");
        services.Remove(inner);
        return services.AddSingleton(provider =>
            watch(Create<T>(inner, provider), provider.GetRequiredService<PortRefusals>()));
    }

    private static T Create<T>(ServiceDescriptor service, IServiceProvider provider) => (T)(
        service.ImplementationInstance
        ?? service.ImplementationFactory?.Invoke(provider)
        ?? ActivatorUtilities.CreateInstance(provider, service.ImplementationType!));
}
