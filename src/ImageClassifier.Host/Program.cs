using ImageClassifier.Host.CommandLine;
using ImageClassifier.Host.Configuration;
using ImageClassifier.Host.Hosting;

var program = new CommandLineProgram(
    new Verbs(NodeParts.Create()), Console.Out, Console.Error, SettingsSources.ProcessVariables());
return await program.RunAsync(args, CancellationToken.None);
