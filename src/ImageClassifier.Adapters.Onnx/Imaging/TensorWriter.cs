using ImageClassifier.Adapters.Onnx.Contract;

namespace ImageClassifier.Adapters.Onnx.Imaging;

/// <summary>
/// Writes a crop as the input of a model: upright, on white, in the model's layout and order of channels, with each
/// channel scaled. A byte b becomes (low + b/255 · (high - low) - mean) / std, which is one multiplication and one
/// addition.
/// </summary>
internal sealed class TensorWriter
{
    private const float White = 255;

    private readonly ModelInput _input;
    private readonly float[] _factor = new float[ModelInput.Channels];
    private readonly float[] _addend = new float[ModelInput.Channels];
    private readonly int _red;
    private readonly int _blue;

    public TensorWriter(ModelInput input)
    {
        _input = input;
        (_red, _blue) = input.Order == ChannelOrder.Rgb ? (0, 2) : (2, 0);
        var (low, high) = input.Range;
        for (var c = 0; c < ModelInput.Channels; c++)
        {
            _factor[c] = (high - low) / 255 / input.Std[c];
            _addend[c] = (low - input.Mean[c]) / input.Std[c];
        }
    }

    /// <summary>Writes one picture.</summary>
    /// <param name="crop">The crop as stored: red, green and blue, each premultiplied with alpha, and alpha, from 0 to
    /// 255.</param>
    /// <param name="orientation">The orientation of the stored picture.</param>
    /// <param name="tensor">Receives one picture of the model.</param>
    public void Write(ReadOnlySpan<float> crop, Orientation orientation, Span<float> tensor)
    {
        var (width, height) = (_input.Width, _input.Height);
        var (columns, rows) = orientation.SwapsAxes ? (height, width) : (width, height);
        var column = orientation.MirrorsColumns ? -CropResampler.Channels : CropResampler.Channels;
        var row = orientation.MirrorsRows ? -CropResampler.Channels * columns : CropResampler.Channels * columns;
        var start = (orientation.MirrorsColumns ? -column * (columns - 1) : 0)
            + (orientation.MirrorsRows ? -row * (rows - 1) : 0);
        var (right, down) = orientation.SwapsAxes ? (row, column) : (column, row);
        var (step, plane) = _input.Layout == TensorLayout.Nchw ? (1, width * height) : (ModelInput.Channels, 1);
        var (red, green, blue) = (_red * plane, plane, _blue * plane);
        var (redFactor, greenFactor, blueFactor) = (_factor[_red], _factor[1], _factor[_blue]);
        var (redAddend, greenAddend, blueAddend) = (_addend[_red], _addend[1], _addend[_blue]);

        for (int y = 0, target = 0; y < height; y++)
        {
            var source = start + y * down;
            for (var x = 0; x < width; x++, source += right, target += step)
            {
                var pixel = crop.Slice(source, CropResampler.Channels);
                var white = White - pixel[3];
                tensor[target + red] = (pixel[0] + white) * redFactor + redAddend;
                tensor[target + green] = (pixel[1] + white) * greenFactor + greenAddend;
                tensor[target + blue] = (pixel[2] + white) * blueFactor + blueAddend;
            }
        }
    }
}
