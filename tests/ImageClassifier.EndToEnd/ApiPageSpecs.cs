using ImageClassifier.EndToEnd.Programs;
using ImageClassifier.Testing;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace ImageClassifier.EndToEnd;

/// <summary>The page with the API's description, in Debian's Chromium.</summary>
[Collection(BrowserCollection.Name)]
public sealed class ApiPageSpecs
{
    [SkippableFact]
    public async Task The_page_shows_the_calls_and_asks_no_other_host_and_obeys_the_policy()
    {
        await using var service = await RunningService.StartAsync();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
        });
        var complaints = new List<string>();
        var elsewhere = new List<string>();
        page.Console += (_, message) =>
        {
            if (message.Type == "error") complaints.Add(message.Text);
        };
        page.PageError += (_, failure) => complaints.Add(failure);
        page.Request += (_, request) =>
        {
            if (new Uri(request.Url) is { Scheme: not ("data" or "blob") } url && url.Authority != service.Address.Authority)
                elsewhere.Add(request.Url);
        };

        await page.GotoAsync(service.Address.ToString());
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "API" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new PageGetByRoleOptions { Name = "ImageClassifier" }).First)
            .ToBeVisibleAsync();
        await Expect(Visible(page, "Upload pictures")).ToBeVisibleAsync();
        await page.ScreenshotAsync(new PageScreenshotOptions
        {
            Path = Path.Combine(Repository.Root, "artifacts", "screenshots", "api.png"),
        });

        // The rest of the page appears when it is scrolled to.
        await Visible(page, "Delete a batch").ClickAsync();
        await Expect(Visible(page, "The batch is gone.")).ToBeVisibleAsync();
        Assert.Empty(elsewhere);
        Assert.Empty(complaints);
    }

    private static ILocator Visible(IPage page, string text) =>
        page.GetByText(text).Filter(new LocatorFilterOptions { Visible = true }).First;
}
