using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx;

/// <summary>The pictures of the trial run of a network: black, white, a ramp and noise, always the same. They differ
/// widely, so logits that add up to 1 by chance do so for one of them at most.</summary>
internal static class TrialPictures
{
    /// <summary>Their names in messages.</summary>
    public static IReadOnlyList<string> Names { get; } = ["black", "white", "grey ramp", "noise"];

    /// <summary>Writes a picture as the input of a network.</summary>
    public static void Write(int picture, ModelInput input, Span<float> tensor)
    {
        var plane = input.Width * input.Height;
        var range = input.Range.High - input.Range.Low;
        for (var place = 0; place < plane; place++)
        {
            for (var channel = 0; channel < ModelInput.Channels; channel++)
            {
                var value = Byte(picture, place, channel, input.Width) / 255f;
                var index = input.Layout == TensorLayout.Nchw
                    ? channel * plane + place
                    : place * ModelInput.Channels + channel;
                tensor[index] = (input.Range.Low + value * range - input.Mean[channel]) / input.Std[channel];
            }
        }
    }

    private static int Byte(int picture, int place, int channel, int width) => picture switch
    {
        0 => 0,
        1 => 255,
        2 => place % width * 255 / Math.Max(1, width - 1),
        // Fibonacci hashing spreads neighbouring numbers over all bytes.
        _ => (int)(unchecked((uint)(place * ModelInput.Channels + channel) * 2_654_435_769u) >> 24),
    };
}
