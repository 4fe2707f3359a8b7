using ImageClassifier.Testing;
using Microsoft.Playwright;
using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>Debian's Chromium for tests of the page.</summary>
internal static class PageBrowser
{
    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync",
    ];

    private static readonly string Axe =
        Path.Combine(Repository.Root, "tests", "deploy", "node_modules", "axe-core", "axe.min.js");

    /// <summary>Starts the browser. Skips the running test if there is none.</summary>
    public static Task<IBrowser> LaunchAsync(IPlaywright playwright)
    {
        var chromium = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists);
        Requirement.Met(chromium is not null, "there is no chromium on the path");
        return playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = chromium, Args = Flags });
    }

    public static Task ScreenshotAsync(IPage page, string name, bool fullPage = false) =>
        page.ScreenshotAsync(new PageScreenshotOptions
        {
            FullPage = fullPage,
            Path = Path.Combine(Repository.Root, "artifacts", "screenshots", name),
        });

    /// <summary>Errors of the page from now on, in its console or uncaught.</summary>
    public static IReadOnlyList<string> ErrorsOf(IPage page)
    {
        var errors = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") errors.Add(message.Text);
        };
        page.PageError += (_, failure) => errors.Add(failure);
        return errors;
    }

    /// <summary>Checks that axe-core finds nothing wrong with the page as it is now.</summary>
    public static async Task AssertAccessibleAsync(IPage page, string state)
    {
        Requirement.Met(File.Exists(Axe), "axe-core is missing: npm ci --ignore-scripts --prefix tests/deploy");
        if (!await page.EvaluateAsync<bool>("'axe' in globalThis")) await page.EvaluateAsync(await File.ReadAllTextAsync(Axe));
        var findings = await page.EvaluateAsync<string[]>(
            """
            async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
              .flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`))
            """);
        Assert.True(findings.Length == 0, $"{state}:\n{string.Join('\n', findings)}");
    }
}
