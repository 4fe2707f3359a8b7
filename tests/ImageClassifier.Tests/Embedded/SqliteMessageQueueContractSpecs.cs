using ImageClassifier.Adapters.Embedded.Queues;
using ImageClassifier.Core.Ports;
using ImageClassifier.Tests.Contracts;

namespace ImageClassifier.Tests.Embedded;

public class SqliteMessageQueueContractSpecs : MessageQueueContract
{
    protected virtual TimeProvider Time => TimeProvider.System;

    protected override Task<IQueueUnderTest> CreateAsync() =>
        Task.FromResult<IQueueUnderTest>(new SqliteQueueUnderTest(MaxReceives, Time));
}

public sealed class SqliteMessageQueueOnAFastClockContractSpecs : SqliteMessageQueueContractSpecs
{
    protected override TimeProvider Time => new SkewedTimeProvider(TimeSpan.FromHours(7));
}

public sealed class SqliteMessageQueueOnASlowClockContractSpecs : SqliteMessageQueueContractSpecs
{
    protected override TimeProvider Time => new SkewedTimeProvider(TimeSpan.FromHours(-7));
}

public sealed class SqliteDeadLetterQueueContractSpecs : DeadLetterQueueContract
{
    protected override Task<IQueueUnderTest> CreateAsync() =>
        Task.FromResult<IQueueUnderTest>(new SqliteQueueUnderTest(MaxReceives, TimeProvider.System));
}

internal sealed class SqliteQueueUnderTest(int maxReceives, TimeProvider time) : IQueueUnderTest
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<SqliteMessageQueue> _opened = [];

    private SqliteQueueSettings Settings => new(_folder.Layout.RequestQueue, "requests", maxReceives);

    public IMessageQueue Open() => Open(Settings);

    public IMessageQueue OpenDeadLetters() => Open(Settings.DeadLetters());

    public async ValueTask DisposeAsync()
    {
        foreach (var queue in _opened) await queue.DisposeAsync();
        _folder.Remove();
    }

    private SqliteMessageQueue Open(SqliteQueueSettings settings)
    {
        var queue = new SqliteMessageQueue(settings, time);
        _opened.Add(queue);
        return queue;
    }
}
