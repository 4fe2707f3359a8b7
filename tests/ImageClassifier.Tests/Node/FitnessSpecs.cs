using ImageClassifier.Node.Classification;
using Xunit;

namespace ImageClassifier.Tests.Node;

public sealed class FitnessSpecs
{
    private readonly Fitness _fitness;
    private int _unfit;

    public FitnessSpecs() => _fitness = new Fitness(3, _ => _unfit++);

    [Fact]
    public void Failures_in_a_row_are_told_once()
    {
        Fail(2);
        Assert.Equal(0, _unfit);
        Fail(1);
        Assert.Equal(1, _unfit);
        Fail(5);
        _fitness.Classified();
        Fail(5);
        Assert.Equal(1, _unfit);
    }

    [Fact]
    public void Failures_between_others_that_go_well_count_anew()
    {
        for (var i = 0; i < 10; i++)
        {
            Fail(2);
            _fitness.Classified();
        }

        Assert.Equal(0, _unfit);
    }

    [Fact]
    public void One_refusal_is_enough_and_is_told_once()
    {
        _fitness.Refused("S3 GetObject failed: AccessDenied");
        _fitness.Refused("S3 PutObject failed: AccessDenied");
        Fail(5);

        Assert.Equal(1, _unfit);
    }

    private void Fail(int times)
    {
        for (var i = 0; i < times; i++) _fitness.Failed();
    }
}
