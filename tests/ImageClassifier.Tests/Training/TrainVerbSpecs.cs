using System.Text.Json;
using ImageClassifier.Adapters.Onnx;
using ImageClassifier.Adapters.Onnx.Imaging;
using ImageClassifier.Core;
using ImageClassifier.Core.Ports;
using ImageClassifier.Host;
using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.CommandLine.Train;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Tests.Configuration;
using Xunit;

namespace ImageClassifier.Tests.Training;

public sealed class TrainVerbSpecs : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _folder.Dispose();
        _output.Dispose();
    }

    private string Pictures => Path.Combine(_folder.Path, "pictures");

    private string Model => Path.Combine(_folder.Path, "shapes");

    [Fact]
    public async Task Ten_classes_are_learnt_and_the_directory_is_a_whole_model()
    {
        DrawnPictures.Write(Pictures, classes: 10, pictures: 20);
        var misplaced = Path.Combine(Pictures, "red circle", "misplaced.jpg");
        File.WriteAllBytes(misplaced, DrawnPictures.Draw(label: 2, number: 99));
        File.WriteAllText(Path.Combine(Pictures, "red circle", "notes.jpg"), "no picture");

        Assert.Equal(ExitCodes.SomeFailed, await RunAsync(json: true));

        var report = JsonDocument.Parse(_output.ToString()).RootElement;
        Assert.InRange(report.GetProperty("heldOut").GetProperty("top1").GetDouble(), 0.95, 1);
        Assert.InRange(report.GetProperty("heldOut").GetProperty("top5").GetDouble(), 0.98, 1);
        Assert.Equal(201, report.GetProperty("pictures").GetInt32());
        Assert.Equal(
            Path.Combine("red circle", "misplaced.jpg"), report.GetProperty("suspects")[0].GetProperty("file").GetString());
        Assert.Equal("checkerboard", report.GetProperty("suspects")[0].GetProperty("looksLike").GetString());
        var leftOut = Assert.Single(report.GetProperty("leftOut").EnumerateArray());
        Assert.Equal(Path.Combine("red circle", "notes.jpg"), leftOut.GetProperty("file").GetString());

        Assert.Equal(DrawnPictures.Classes, await File.ReadAllLinesAsync(Path.Combine(Model, "labels.txt")));
        foreach (var file in new[] { "MODEL.md", "report.json", "confusion.png", "ResNet18-LICENSE.txt" })
            Assert.True(new FileInfo(Path.Combine(Model, file)).Length > 0, file);
        CheckContract();
        CheckModel();
    }

    [Fact]
    public async Task A_report_for_people_names_the_directory_and_what_was_left_out()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 3);
        File.Copy(
            Path.Combine(Pictures, "blue circle", "000.jpg"), Path.Combine(Pictures, "blue circle", "copy.jpg"));

        Assert.Equal(ExitCodes.Done, await RunAsync(json: false));

        var text = _output.ToString();
        Assert.Contains("2 classes, 6 pictures", text, StringComparison.Ordinal);
        Assert.Contains($"It is a copy of {Path.Combine("blue circle", "000.jpg")}.", text, StringComparison.Ordinal);
        Assert.Contains(Model, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_class_and_one_picture_of_a_class_are_errors()
    {
        DrawnPictures.Write(Pictures, classes: 1, pictures: 3);
        await IsRefusedAsync("FOLDER", "at least two classes");
        DrawnPictures.Write(Pictures, classes: 2, pictures: 1);
        await IsRefusedAsync("FOLDER", "blue square has one usable picture");
    }

    [Fact]
    public async Task Bad_pictures_can_leave_a_class_with_too_few()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        File.WriteAllText(Path.Combine(Pictures, "blue square", "001.jpg"), "no picture");
        await IsRefusedAsync("FOLDER", "blue square has one usable picture");
    }

    [Fact]
    public async Task A_directory_with_files_is_not_touched()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        Directory.CreateDirectory(Model);
        var file = Path.Combine(Model, "mine.txt");
        await File.WriteAllTextAsync(file, "mine");
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(json: false));
        Assert.Contains("it exists already", wrong.Message, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFileSystemEntries(Model));
    }

    [Fact]
    public async Task An_empty_directory_is_filled()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        Directory.CreateDirectory(Model);
        Assert.Equal(ExitCodes.Done, await RunAsync(json: false));
        Assert.True(File.Exists(Path.Combine(Model, "model.json")));
    }

    [Fact]
    public async Task A_directory_among_the_pictures_is_refused()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(
            () => RunAsync(json: false, model: Path.Combine(Pictures, "model")));
        Assert.Contains("it is in the folder of the pictures", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_class_with_the_longest_name_of_a_folder_is_learnt()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        var label = new string('l', 255);
        Directory.Move(Path.Combine(Pictures, "blue square"), Path.Combine(Pictures, label));

        Assert.Equal(ExitCodes.Done, await RunAsync(json: false));

        Assert.Contains(label, await File.ReadAllLinesAsync(Path.Combine(Model, "labels.txt")));
        Assert.Equal(["blue circle.jpg"], Directory.GetFiles(Path.Combine(Model, "samples")).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("model\u001B", "invisible character")]
    public async Task A_name_that_no_model_can_have_is_refused(string model, string reason)
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(json: false, model));
        Assert.Equal("--out", wrong.Key);
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
        Assert.Equal([Pictures], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task An_interrupted_training_leaves_nothing_behind()
    {
        DrawnPictures.Write(Pictures, classes: 2, pictures: 2);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => RunAsync(json: false, cancellation: new CancellationToken(canceled: true)));
        Assert.Equal([Pictures], Directory.GetFileSystemEntries(_folder.Path));
    }

    private async Task IsRefusedAsync(string key, string reason)
    {
        var wrong = await Assert.ThrowsAsync<InvalidSettingException>(() => RunAsync(json: false));
        Assert.Equal(key, wrong.Key);
        Assert.Contains(reason, wrong.Message, StringComparison.Ordinal);
        Assert.Equal([Pictures], Directory.GetFileSystemEntries(_folder.Path));
    }

    private Task<int> RunAsync(bool json, string? model = null, CancellationToken cancellation = default) =>
        new TrainVerb(_output, width: null, progress: null).RunAsync(
            new TrainOptions(new SettingsSources(), Pictures, model ?? Model, json), cancellation);

    private void CheckContract()
    {
        var contract = JsonDocument.Parse(File.ReadAllText(Path.Combine(Model, "model.json"))).RootElement;
        Assert.Equal("shapes", contract.GetProperty("name").GetString());
        Assert.Equal(
            ["ResNet18.onnx", "head.onnx"], contract.GetProperty("parts").EnumerateArray().Select(part => part.GetString()));
        Assert.Equal("BGR", contract.GetProperty("input").GetProperty("channels").GetString());
        Assert.Equal([0, 255], Numbers(contract.GetProperty("input").GetProperty("range")));
        Assert.Equal("logits", contract.GetProperty("output").GetProperty("name").GetString());
    }

    /// <summary>Loads the model as a node does, which runs all samples, and classifies a new picture of each
    /// class.</summary>
    private void CheckModel()
    {
        Assert.Equal(10, Directory.GetFiles(Path.Combine(Model, "samples")).Length);
        var limits = new DecodingLimits(1_000_000, 1 << 26, TimeSpan.FromMinutes(1));
        using var classifier = OnnxImageClassifier.Load(new OnnxClassifierSettings(Model, 1, 1, limits));
        Assert.Equal("shapes", classifier.Model.Name);
        for (var label = 0; label < DrawnPictures.Classes.Count; label++)
        {
            var decoding = classifier.Decode(DrawnPictures.Draw(label, number: 500));
            using var picture = Assert.IsType<Decoding.Decoded>(decoding).Picture;
            Assert.Equal(DrawnPictures.Classes[label], classifier.Classify([picture])[0][0].Label);
        }
    }

    private static IEnumerable<double> Numbers(JsonElement list) =>
        list.EnumerateArray().Select(number => number.GetDouble());
}
