using ImageClassifier.Node.Classification;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class NodeHealthSpecs
{
    private readonly NodeHealth _health;
    private int _endings;

    public NodeHealthSpecs() => _health = new NodeHealth(3, _ => _endings++);

    [Fact]
    public void Failures_in_a_row_are_reported_once()
    {
        Fail(2);
        Assert.Equal(0, _endings);
        Fail(1);
        Assert.Equal(1, _endings);
        Fail(5);
        _health.RecordClassified();
        Fail(5);
        Assert.Equal(1, _endings);
    }

    [Fact]
    public void A_success_resets_the_count_of_failures()
    {
        for (var i = 0; i < 10; i++)
        {
            Fail(2);
            _health.RecordClassified();
        }

        Assert.Equal(0, _endings);
    }

    [Fact]
    public void One_refusal_is_enough_and_is_reported_once()
    {
        _health.RecordRefusal("S3 GetObject failed: AccessDenied");
        _health.RecordRefusal("S3 PutObject failed: AccessDenied");
        Fail(5);

        Assert.Equal(1, _endings);
    }

    private void Fail(int times)
    {
        for (var i = 0; i < times; i++) _health.RecordFailure();
    }
}
