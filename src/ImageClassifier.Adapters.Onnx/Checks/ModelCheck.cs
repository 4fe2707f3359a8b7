using ImageClassifier.Adapters.Onnx.Imaging;

namespace ImageClassifier.Adapters.Onnx.Checks;

/// <summary>Checks a model directory as a node does when it loads it, but collects the faults. If <c>model.json</c> is
/// missing, it first writes one from what the network tells.</summary>
public static class ModelCheck
{
    /// <summary>Checks a model directory.</summary>
    /// <param name="settings">The directory, and how a node would run it. The directory must exist.</param>
    public static ModelReport Run(OnnxClassifierSettings settings)
    {
        var folder = ModelDirectory.Locate(settings.ModelPath);
        var report = new ModelReport(folder);
        try
        {
            if (!Path.Exists(Path.Combine(folder, ModelDirectory.ContractFile)))
                report = report with { Written = ContractGuess.Write(folder, settings.Threads) };
            var model = ModelDirectory.Read(folder);
            report = report with
            {
                Name = model.Identity.Name,
                Sha256 = model.Identity.Sha256,
                Contract = model.Contract,
                Weights = model.Weights,
                LabelsFile = model.LabelsFile,
                Labels = model.Labels,
                Samples = model.Samples.Count,
            };
            return Run(model, settings, report);
        }
        catch (ModelDefectException defect)
        {
            return report with { Faults = defect.Faults };
        }
    }

    private static ModelReport Run(ModelDirectory model, OnnxClassifierSettings settings, ModelReport report)
    {
        var session = NetworkSession.Open(model, settings.MaxBatch, settings.Threads);
        using var network = new LoadedNetwork(session, model.Contract);
        report = report with
        {
            InputType = NetworkForm.Name(session.Form.Input),
            FixedBatch = session.Form.FixedBatch,
            Labels = session.Labels,
        };
        try
        {
            new SampleTrial(model, new PictureDecoder(model.Contract.Input, settings.Decoding), network).Run();
            return report;
        }
        catch (ModelDefectException defect)
        {
            return report with { Faults = defect.Faults };
        }
    }
}
