using ImageClassifier.Host.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Configuration;

public sealed class StrayVariablesSpecs
{
    [Theory]
    [InlineData("IMAGE_CLASSIFIER_SCALING_MAX_INSTANCES", "IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    [InlineData("IMAGE_CLASSIFIER_SCALING__MAX_INSTANCES", "IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    [InlineData("IMAGE_CLASSIFIER_SCALING_MAX_INSTNACES", "IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    [InlineData("IMAGE_CLASSIFIER_MAX_INSTANCES", "IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    [InlineData("image_classifier__scaling__max_instances", "IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    [InlineData("IMAGE_CLASSIFIER_ENVIRONMENT", "IMAGE_CLASSIFIER__ENVIRONMENT")]
    [InlineData("IMAGE_CLASSIFIER_WEB_URLS", "IMAGE_CLASSIFIER__WEB__URLS")]
    public void A_variable_close_to_a_setting_is_reported_with_the_right_name(string variable, string expected)
    {
        var warning = Assert.Single(StrayVariables.Warnings([variable, "PATH", expected]));
        Assert.Contains($"{variable} is not used", warning, StringComparison.Ordinal);
        Assert.Contains($"Write {expected} for image-classifier.", warning, StringComparison.Ordinal);
    }

    // The variables of the tests and the build, and those of Kubernetes for a service of this name.
    [Theory]
    [InlineData("IMAGE_CLASSIFIER_REQUIRE_ALL")]
    [InlineData("IMAGE_CLASSIFIER_FUZZ_SECONDS")]
    [InlineData("IMAGE_CLASSIFIER_TEST_DEADLY_PICTURE")]
    [InlineData("IMAGE_CLASSIFIER_TEST_CLOCK_ERROR")]
    [InlineData("IMAGE_CLASSIFIER_VERSION")]
    [InlineData("IMAGE_CLASSIFIER")]
    [InlineData("IMAGE_CLASSIFIER_PORT")]
    [InlineData("IMAGE_CLASSIFIER_SERVICE_HOST")]
    [InlineData("IMAGE_CLASSIFIER_SERVICE_PORT_HTTP")]
    [InlineData("IMAGE_CLASSIFIER_PORT_5000_TCP_ADDR")]
    [InlineData("IMAGE_CLASSIFIER__SCALING__MAX_INSTANCES")]
    public void Other_variables_are_ignored(string variable) => Assert.Empty(StrayVariables.Warnings([variable]));
}
