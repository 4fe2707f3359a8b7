using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Web;
using ImageClassifier.EndToEnd.Programs;
using Microsoft.Playwright;
using SkiaSharp;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace ImageClassifier.EndToEnd;

/// <summary>What the page offers for many pictures. The service is real, but no node starts: the tests send the results, and
/// say what the fleet does.</summary>
[Collection(AloneCollection.Name)]
public sealed partial class PageSpecs
{
    private const string LongLabel =
        "Staffordshire bullterrier, Staffordshire bull terrier, and more names than fit into any card of the page";

    // Cut off: a row's percentage is outside of its card, or a row is below it.
    private const string CutOff =
        """
        () => [...document.querySelectorAll(".card")].flatMap((card) => {
          const edge = card.getBoundingClientRect();
          return [...card.querySelectorAll(".probability, .other-probability")]
            .map((figure) => ({ figure, box: figure.getBoundingClientRect() }))
            .filter(({ box }) => box.width > 0 && (box.right > edge.right || box.bottom > edge.bottom))
            .map(({ figure }) => figure.textContent);
        })
        """;

    // True if the first letter of a name is on its card.
    private const string BeginsOnCard =
        """
        (name) => {
          const text = [...document.querySelectorAll(".card .name bdi")].map(({ firstChild }) => firstChild)
            .find(({ data }) => data === name);
          const first = document.createRange();
          first.setStart(text, 0);
          first.setEnd(text, 1);
          const [letter, card] = [first, text.parentElement.closest(".card")].map((part) => part.getBoundingClientRect());
          return letter.left >= card.left && letter.right <= card.right;
        }
        """;

    // True if the browser keeps so many files, and those to send are in a request.
    private const string StoredRequests =
        """
        (count) => new Promise((resolve) => {
          const opening = indexedDB.open("image-classifier", 1);
          opening.onsuccess = () => {
            const reading = opening.result.transaction("unsent").objectStore("unsent").getAll();
            reading.onsuccess = () => resolve(
              reading.result.length === count && (count === 0 || reading.result.some(({ request }) => request !== "")));
          };
        })
        """;

    // Stops the upload while the second hundred files are looked at, and retries as soon as the page offers it.
    private const string StopAndRetry =
        """
        () => {
          const retry = document.getElementById("retry");
          new MutationObserver((_, observer) => {
            if (retry.hidden) return;
            observer.disconnect();
            retry.click();
            globalThis.retried = true;
          }).observe(retry, { attributes: true });
          const { digest } = SubtleCrypto.prototype;
          let digests = 0;
          SubtleCrypto.prototype.digest = function (...content) {
            if (++digests === 101) document.getElementById("stop").click();
            return digest.apply(this, content);
          };
        }
        """;

    // True if the browser keeps so many files whose upload the user stopped.
    private const string StoppedFiles =
        """
        (count) => new Promise((resolve) => {
          const opening = indexedDB.open("image-classifier", 1);
          opening.onsuccess = () => {
            const reading = opening.result.transaction("unsent").objectStore("unsent").getAll();
            reading.onsuccess = () => resolve(reading.result.filter(({ stopped }) => stopped).length === count);
          };
        })
        """;

    // True if the browser would ask before it closes the page.
    private const string AsksBeforeClosing = "() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))";

    static PageSpecs() => SetDefaultExpectTimeout(60_000);

    [SkippableFact]
    public async Task A_thousand_pictures_stay_smooth_and_can_be_searched_marked_and_exported()
    {
        const int count = 1_000;
        await using var service = await RunningService.StartAsync();
        service.PreventLaunches();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
            ReducedMotion = ReducedMotion.Reduce,
        });
        var errors = PageBrowser.ErrorsOf(page);
        var results = await ResultSource.StartAsync(page, service);
        await page.AddInitScriptAsync(
            """
            globalThis.tasks = [];
            new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
              .observe({ type: "longtask" });
            """);
        await page.GotoAsync(service.Address.ToString());
        await Expect(page.GetByTestId("fleet-count")).ToContainTextAsync("2 of 2 instances");
        // Nothing waits any more, so the sentence about the launch needs its time.
        await Expect(page.GetByTestId("scaler-says")).ToHaveTextAsync(DatedLaunch());
        await PageBrowser.AssertAccessibleAsync(page, "empty");

        await page.EvaluateAsync(StopAndRetry);
        await ChooseAsync(page, Enumerable.Range(0, count).Select(Tiny));
        await page.WaitForFunctionAsync("() => globalThis.retried");
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync($"{count}");
        await Expect(page.Locator("#stop")).ToBeHiddenAsync();
        await Expect(page.Locator(".card[data-state=queued] .reason").First).ToContainTextAsync("2 instances boot, about 20 s.");
        await PageBrowser.AssertAccessibleAsync(page, "waiting");
        await Expect(page.Locator("#find-count")).ToHaveAttributeAsync("aria-live", "off");
        await Expect(page.Locator(".card[data-state=queued] .open").First)
            .ToHaveAccessibleDescriptionAsync("Queued 2 instances boot, about 20 s.");
        await Expect(page).ToHaveTitleAsync("(0/1000) Image Classifier");

        await page.EvaluateAsync("tasks.length = 0");
        await results.SendAllAsync(count);
        await Expect(page.Locator("#summary")).ToHaveAttributeAsync("data-state", "done");
        await Expect(page.GetByTestId("failed")).ToHaveTextAsync("10");
        await AssertHeardAsync(page, "All pictures are done: 990 classified, 10 failed.");
        await Expect(page).ToHaveTitleAsync("Image Classifier");
        // One task may have waited for a processor that another program had.
        var tasks = await page.EvaluateAsync<double[]>("tasks.sort((a, b) => b - a)");
        Assert.InRange(tasks.ElementAtOrDefault(1), 0, 100);
        Assert.InRange(await page.EvaluateAsync<int>("document.querySelectorAll('*').length"), 1, 1_500);
        Assert.InRange(await page.EvaluateAsync<int>("performance.memory.usedJSHeapSize >> 20"), 1, 64);
        await PageBrowser.ScreenshotAsync(page, "thousand.png");

        await Expect(page.Locator("#find-count")).ToHaveAttributeAsync("aria-live", "polite");
        await AssertFindsAsync(page);
        await AssertLargeViewAsync(page);
        await AssertExportsAsync(page, count);
        await AssertFailedAreSentAgainAsync(page, results);
        Assert.Empty(errors);
    }

    [SkippableFact]
    public async Task Files_are_looked_at_before_they_are_sent_and_a_reload_loses_none()
    {
        var longName = string.Concat(Enumerable.Repeat("\u05DB\u05DC\u05D1 ", 20)) + ".png";
        await using var service = await RunningService.StartAsync();
        service.PreventLaunches();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            // Only what is seen is in the document, so the phone is as long as the list.
            ViewportSize = new ViewportSize { Width = 390, Height = 2_400 },
            ColorScheme = ColorScheme.Dark,
            ReducedMotion = ReducedMotion.Reduce,
        });
        var results = await ResultSource.StartAsync(page, service);
        // As on a page served over plain HTTP.
        await page.AddInitScriptAsync("delete Crypto.prototype.subtle");
        await page.AddInitScriptAsync(PageModules.NoteThumbnails);
        var uploads = new ConcurrentQueue<IRoute>();
        await page.RouteAsync("**/api/batches", route => uploads.Enqueue(route));
        await page.GotoAsync(service.Address.ToString());
        await Expect(page.GetByTestId("fleet-count")).ToContainTextAsync("2 of 2 instances");
        var picture = Tiny(1).Bytes;
        await page.SetInputFilesAsync("#files",
        [
            ToFile("a.png", picture),
            ToFile("the same.png", picture),
            ToFile("photo.jpg", "\0\0\0\u0018ftypheic\0\0\0\0mif1heic"u8.ToArray()),
            ToFile("web.png", "RIFF\0\0\0\0WEBPVP8 "u8.ToArray()),
            ToFile(longName, Tiny(2).Bytes),
        ]);
        await Expect(page.Locator(".card[data-state=rejected]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".card[data-state=rejected] .reason")).ToHaveTextAsync(
        [
            "The file is a HEIC picture. Export it as JPEG or PNG.",
            "The file is a WebP picture. Export it as JPEG or PNG.",
        ]);

        // The upload hangs. After a reload it goes on, with the same key.
        await Expect(page.Locator("#stop")).ToBeVisibleAsync();
        await page.WaitForFunctionAsync(StoredRequests, 2);
        Assert.True(await page.EvaluateAsync<bool>(AsksBeforeClosing));
        page.Dialog += (_, dialog) => dialog.AcceptAsync();
        await page.ReloadAsync();
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("3");
        await Expect(page.Locator(".card .reason").Nth(1)).ToHaveTextAsync("The same file as \u2068a.png\u2069.");
        await Until.HoldsAsync(() => uploads.Count >= 2, TimeSpan.FromSeconds(30), () => "The page did not send again.");
        var keys = uploads.Select(route => route.Request.Headers["idempotency-key"]).Distinct().ToList();
        Assert.Single(keys);

        // A duplicated tab has a copy of the session storage. It takes no file of the other tab.
        var duplicate = await page.RunAndWaitForPopupAsync(() => page.EvaluateAsync("() => { open(location.href); }"));
        await duplicate.WaitForFunctionAsync(
            "(name) => sessionStorage.getItem('image-classifier.tab') !== name",
            await page.EvaluateAsync<string>("sessionStorage.getItem('image-classifier.tab')"));

        // The user stops it. After a reload it stays stopped until one of its files is chosen again.
        var unsent = page.Locator(".card[data-state=unsent]");
        await page.Locator("#stop").ClickAsync();
        await Expect(unsent).ToHaveCountAsync(3);
        await PageBrowser.AssertAccessibleAsync(page, "stopped");
        await page.WaitForFunctionAsync(StoppedFiles, 2);
        var requests = uploads.Count;
        await page.ReloadAsync();
        await Expect(unsent).ToHaveCountAsync(3);
        await AssertHeardAsync(page, "Some pictures could not be sent.");
        await Expect(page.Locator(".notice-text"))
            .ToHaveTextAsync("Some pictures could not be sent. You stopped the upload.");
        Assert.Equal(requests, uploads.Count);
        Assert.True(await page.EvaluateAsync<bool>(AsksBeforeClosing));
        await page.SetInputFilesAsync("#files", ToFile("again.png", picture));
        await Expect(page.Locator("#stop")).ToBeVisibleAsync();
        await Expect(unsent).ToHaveCountAsync(0);
        await Expect(page.Locator("#notice")).ToBeHiddenAsync();

        // The user stops it once more, and retries. The page is closed before it deletes its copies.
        await page.Locator("#stop").ClickAsync();
        await Expect(unsent).ToHaveCountAsync(4);
        await page.UnrouteAsync("**/api/batches");
        await page.EvaluateAsync("IDBObjectStore.prototype.delete = () => {}");
        await page.Locator("#retry").ClickAsync();
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(4);
        await results.ForgetSocketsAsync(1);
        await page.ReloadAsync();
        await results.SendAllAsync(2);
        await Expect(page.GetByTestId("classified")).ToHaveTextAsync("4");
        Assert.Equal(["a.png", longName], results.FileNames.Order(StringComparer.Ordinal));
        await page.WaitForFunctionAsync(StoredRequests, 0);
        Assert.False(await page.EvaluateAsync<bool>(AsksBeforeClosing));
        await Expect(duplicate.Locator("body")).ToHaveClassAsync("empty");

        // Each picture's names are isolated from the text around them and begin on the card, and no percentage is cut off.
        Assert.Equal("BDI", await page.EvaluateAsync<string>("document.querySelector('.card .name').firstChild.tagName"));
        Assert.True(await page.EvaluateAsync<bool>(BeginsOnCard, longName));
        Assert.Empty(await page.EvaluateAsync<string[]>(CutOff));
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await PageBrowser.ScreenshotAsync(page, "many-phone.png");

        // A screen of 1280 points at 200 %, in high contrast.
        await page.SetViewportSizeAsync(640, 1_600);
        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ForcedColors = ForcedColors.Active });
        Assert.Equal(640, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await PageBrowser.ScreenshotAsync(page, "high-contrast.png");

        await AssertMarkedAreExportedAsync(page, service, longName);
        // The page has long drawn what it read of its copies.
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("4");
        await PageModules.AssertAsync(page, picture);

        // The filters are hidden for a single picture, and then they hide nothing.
        await page.Locator(".chip").First.ClickAsync();
        await page.Locator("#clear").ClickAsync();
        Assert.Equal(0, await page.EvaluateAsync<int>("thumbnails.size"));
        await ChooseAsync(page, [Tiny(9)]);
        await Expect(page.Locator("#finder")).ToBeHiddenAsync();
        await Expect(page.Locator(".card")).ToHaveCountAsync(1);
        await page.Locator("#samples").ClickAsync();
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("5");
        await page.Locator("#copy-link").ClickAsync();
        await AssertHeardAsync(page, "Link: ");

        // Marks survive a reload, and what was cleared does not come back.
        await results.SendAllAsync(7);
        await Expect(page.GetByTestId("classified")).ToHaveTextAsync("5");
        await page.Locator(".card").First.ClickAsync();
        await page.Locator("#right-label").FillAsync("cat");
        await page.Keyboard.PressAsync("Enter");
        await page.ReloadAsync();
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("5");
        await Expect(page.Locator(".right-label:visible")).ToHaveTextAsync(["Right: cat"]);
    }

    [SkippableFact]
    public async Task What_waits_is_cancelled_in_one_click_and_can_be_sent_again()
    {
        await using var service = await RunningService.StartAsync();
        service.PreventLaunches();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
        });
        var errors = PageBrowser.ErrorsOf(page);
        await page.GotoAsync(service.Address.ToString());
        var cancel = page.Locator("#cancel");
        var cancelled = page.GetByTestId("cancelled");
        var failed = page.Locator(".card[data-state=failed]");

        // By mouse, while another upload hangs.
        await ChooseAsync(page, Enumerable.Range(1, 3).Select(Tiny));
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(3);
        await page.RouteAsync("**/api/batches", _ => Task.CompletedTask);
        await ChooseAsync(page, [Tiny(4)]);
        await Expect(page.Locator("#stop")).ToBeVisibleAsync();
        await cancel.ClickAsync();
        await AssertHeardAsync(page, "3 pictures were cancelled.");
        await Expect(failed).ToHaveCountAsync(3);
        await Expect(failed.Locator(".reason").First).ToContainTextAsync("The batch was cancelled");
        await Expect(page.Locator(".card[data-state=unsent]")).ToHaveCountAsync(1);
        await Expect(cancel).ToBeHiddenAsync();
        await PageBrowser.AssertAccessibleAsync(page, "cancelled");
        await PageBrowser.ScreenshotAsync(page, "cancelled.png");

        await page.UnrouteAsync("**/api/batches");
        await page.Locator("#discard").ClickAsync();
        await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("3");
        await page.Locator("#retry-failed").ClickAsync();
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(3);
        await Expect(cancelled).ToBeEmptyAsync();
        await ChooseAsync(page, [Tiny(5)], "paste");
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(4);
        await ChooseAsync(page, [Tiny(6)], "drop");
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(5);

        // By keyboard. The service refuses the cancel of the first of three batches.
        await page.RouteAsync(
            Cancel(),
            route => route.FulfillAsync(new RouteFulfillOptions { Status = 503, Json = new { detail = "The store is full." } }),
            new PageRouteOptions { Times = 1 });
        await cancel.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".notice-text"))
            .ToHaveTextAsync("Not everything could be cancelled. The store is full. Cancel again.");
        await Expect(cancelled).ToHaveTextAsync("2 pictures were cancelled.");
        await Expect(failed).ToHaveCountAsync(2);
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Enter");
        await Expect(cancelled).ToHaveTextAsync("3 pictures were cancelled.");
        await Expect(failed).ToHaveCountAsync(5);
        await Expect(page.Locator("#notice")).ToBeHiddenAsync();
        await Expect(page.Locator("#files")).ToBeFocusedAsync();

        foreach (var language in CodeLines.Languages)
        {
            var lines = await CodeLines.ReadAsync(page, language);
            Assert.Equal("picture 0006.png failed", await CodeLines.RunAsync(language, lines, service.DataFolder));
        }

        await page.RouteAsync("**/api/fleet", route => route.FulfillAsync(new RouteFulfillOptions { Status = 503 }));
        await Expect(page.GetByTestId("fleet-count")).ToHaveTextAsync("The service answered 503. Trying again…");

        // Who chooses a failed file again wants it sent again.
        await ChooseAsync(page, [Tiny(1)]);
        await Expect(page.Locator(".card[data-state=queued]")).ToHaveCountAsync(1);
        await Expect(failed).ToHaveCountAsync(5);
        Assert.All(errors, error => Assert.Contains("503", error, StringComparison.Ordinal));
    }

    [SkippableFact]
    public async Task Pictures_by_reference_have_a_sentence_for_a_preview_and_the_cancel_waits_for_the_key()
    {
        const string sentence = "The picture was sent by its address, and the service keeps no copy.";
        var (_, output, _) = await BuiltProgram.RunAsync("key", "page", "--json");
        var newKey = JsonSerializer.Deserialize<JsonElement>(output);
        await using var service = await RunningService.StartAsync($"access.keys.page={newKey.GetProperty("hash").GetString()}");
        service.PreventLaunches();
        var key = newKey.GetProperty("key").GetString()!;
        service.Http.DefaultRequestHeaders.Add("X-Api-Key", key);
        using var answer = await service.Http.PostAsJsonAsync("/api/batches", new
        {
            pictures = Enumerable.Range(0, 20).Select(i => new { url = $"https://pictures.example/{i}.jpg" }),
            deadline = TimeProvider.System.GetUtcNow().AddHours(30),
        });
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var batch = ServiceClient.BatchId(await answer.Content.ReadFromJsonAsync<JsonElement>());
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 844 },
            ColorScheme = ColorScheme.Dark,
        });
        var errors = PageBrowser.ErrorsOf(page);

        await page.GotoAsync(new Uri(service.Address, $"/#batch={batch}").ToString());
        await Expect(page.Locator("#key")).ToBeVisibleAsync();
        await Expect(page.Locator(".thumbnail").First).ToHaveAttributeAsync("data-lack", sentence);
        await Expect(page.Locator(".thumbnail:not([data-lack])")).ToHaveCountAsync(0);
        await Expect(page.GetByTestId("time-left")).ToContainTextAsync("Pictures wait until ");
        await PageBrowser.AssertAccessibleAsync(page, "not stored");
        await page.Locator(".card").First.ClickAsync();
        await Expect(page.Locator("#large-lack")).ToHaveTextAsync(sentence);
        await AssertHeardAsync(page, sentence);
        await Expect(page.Locator("#large-image")).ToBeHiddenAsync();
        await PageBrowser.AssertAccessibleAsync(page, "not stored, large");
        await page.Keyboard.PressAsync("Escape");
        await PageBrowser.ScreenshotAsync(page, "by-reference.png");

        await page.Locator("#cancel").ClickAsync();
        await Expect(page.Locator("#key")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(key);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByTestId("cancelled")).ToHaveTextAsync("20 pictures were cancelled.");
        await page.Locator("#retry-failed").ClickAsync();
        await Expect(page.Locator(".card[data-state=failed] .reason").First).ToContainTextAsync(sentence);
        await Expect(page.GetByTestId("failed")).ToHaveTextAsync("20");
        // Chromium logs each refused request. One look at a batch is enough, and one look at the fleet.
        Assert.Equal(["401", "404"], errors.Select(error => StatusCode().Match(error).Value).Order(StringComparer.Ordinal));
    }

    /// <summary>The files of the pictures are at the service alone, which no longer has the first one.</summary>
    private static async Task AssertMarkedAreExportedAsync(IPage page, RunningService service, string second)
    {
        var batch = await page.EvaluateAsync<string>("JSON.parse(sessionStorage.getItem('image-classifier.batches'))[0].id");
        var first = (await service.GetJsonAsync($"/api/batches/{batch}")).GetProperty("jobs")[0].GetProperty("jobId").GetString();
        await Expect(page.Locator(".thumbnail img")).ToHaveCountAsync(4);
        await page.Locator(".card").First.ClickAsync();
        for (var picture = 0; picture < 4; picture++)
        {
            await page.Locator("#right-label").FillAsync("dog");
            await page.Keyboard.PressAsync("Enter");
            await page.Keyboard.PressAsync("ArrowRight");
        }

        await page.Keyboard.PressAsync("Escape");
        await page.RouteAsync(
            $"**/images/{first}", route => route.FulfillAsync(new RouteFulfillOptions { Status = 404 }));
        await using var corrections = await ZipFile.OpenReadAsync(await DownloadAsync(page, "#corrections"));
        Assert.Equal([$"corrections/dog/{second}"], corrections.Entries.Select(entry => entry.FullName));
        await Expect(page.Locator(".notice-text"))
            .ToHaveTextAsync("Nobody has a copy of these pictures any more: \u2068a.png\u2069.");
    }

    /// <summary>By mouse: a label. By keyboard: the rest.</summary>
    private static async Task AssertFindsAsync(IPage page)
    {
        var found = page.Locator("#find-count");
        await Expect(page.Locator("#find-state option")).ToHaveTextAsync(
            ["All (1,000)", "Under way (0)", "Classified (990)", "Failed (10)", "Marked as wrong (0)"]);
        var chip = page.Locator(".chip").First;
        var ofLabel = await chip.Locator(".chip-count").TextContentAsync();
        await chip.ClickAsync();
        await Expect(found).ToHaveTextAsync($"{ofLabel} of 1,000 pictures");
        await Expect(chip).ToHaveAttributeAsync("aria-pressed", "true");
        await chip.ClickAsync();
        await Expect(chip).ToHaveAttributeAsync("aria-pressed", "false");

        await page.Locator("#find-state").FocusAsync();
        await page.Keyboard.TypeAsync("Cl");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("picture 00");
        await page.Keyboard.PressAsync("Tab");
        for (var step = 0; step < 50; step++) await page.Keyboard.PressAsync("ArrowRight");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("Conf");
        // 0051 to 0099: the picture with 50 % failed.
        await Expect(found).ToHaveTextAsync("49 of 1,000 pictures");
        await Expect(page.Locator(".card .probability").First).ToHaveTextAsync("51 %");
        await Expect(page.Locator("#find-state option").First).ToHaveTextAsync("All (49)");
        await Expect(page.Locator("#download")).ToHaveTextAsync("Download CSV (49)");
        var csv = await File.ReadAllLinesAsync(await DownloadAsync(page, "#download"));
        Assert.Equal(50, csv.Length);
        Assert.StartsWith("picture 0051.png,", csv[1], StringComparison.Ordinal);
        Assert.Empty(await page.EvaluateAsync<string[]>(CutOff));
        // The fleet and the filters are open on a wide screen.
        var closed = page.Locator(".more:not([hidden], #find-more) > summary");
        foreach (var details in await closed.AllAsync()) await details.ClickAsync();
        await PageBrowser.AssertAccessibleAsync(page, "filtered, and everything opened");
        foreach (var details in await closed.AllAsync()) await details.ClickAsync();
        await page.Locator("#cards").EvaluateAsync("(cards) => cards.scrollIntoView({ block: 'center' })");
        await PageBrowser.ScreenshotAsync(page, "filtered.png");
        await page.Locator("#find-reset").ClickAsync();
        await Expect(found).ToHaveTextAsync("1,000 pictures");
        foreach (var (order, second) in ((string, string)[])[("label", "picture 0040.png"), ("confidence", "picture 0100.png")])
        {
            await page.Locator("#find-order").SelectOptionAsync(order);
            await Expect(page.Locator(".card .name").Nth(1)).ToHaveTextAsync(second);
        }

        await page.Locator("#find-reset").ClickAsync();
        await Expect(page.Locator(".card .name").Nth(1)).ToHaveTextAsync("picture 0001.png");
    }

    /// <summary>By keyboard alone.</summary>
    private static async Task AssertLargeViewAsync(IPage page)
    {
        await page.Locator("#find-order").FocusAsync();
        for (var stop = 0; stop < 20 && await FocusedAsync() is not "Large view of picture 0000.png"; stop++)
            await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.PressAsync("End");
        Assert.Equal("Large view of picture 0999.png", await FocusedAsync());
        await page.Keyboard.PressAsync("Home");
        var first = await PlaceAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        var below = await PlaceAsync();
        Assert.True(below.X == first.X && below.Y > first.Y, $"{below} is not below {first}.");
        await page.Keyboard.PressAsync("ArrowUp");
        Assert.Equal("Large view of picture 0000.png", await FocusedAsync());
        await page.Keyboard.PressAsync("PageDown");
        Assert.NotEqual("Large view of picture 0000.png", await FocusedAsync());
        await page.Keyboard.PressAsync("PageUp");
        Assert.Equal("Large view of picture 0000.png", await FocusedAsync());

        await page.Keyboard.PressAsync("Enter");
        foreach (var (key, number) in ((string, int)[])[("End", 1_000), ("ArrowLeft", 999), ("Home", 1)])
        {
            await page.Keyboard.PressAsync(key);
            await AssertHeardAsync(page, $"picture {number - 1:0000}.png");
            await AssertHeardAsync(page, string.Create(CultureInfo.InvariantCulture, $"{number:N0} of 1,000"));
        }

        foreach (var label in (string[])["apple", "apple", "pear", "pear", "pear"])
        {
            await page.Keyboard.PressAsync("ArrowRight");
            await page.Locator("#right-label").FocusAsync();
            await page.Keyboard.TypeAsync(label);
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator("#large-state")).ToContainTextAsync($"Marked as \u2068{label}\u2069.");
            await Expect(page.Locator("#large-announcer")).ToHaveTextAsync($"Marked as \u2068{label}\u2069.");
        }

        await Expect(page.Locator("#large-place")).ToHaveTextAsync("6 of 1,000");
        await Expect(page.Locator("#large-predictions .bar")).ToHaveCountAsync(5);
        await Expect(page.Locator("#large-predictions")).ToContainTextAsync(LongLabel);
        await Expect(page.Locator("#large-facts")).ToContainTextAsync("decoded in 5.0 ms");
        await Expect(page.Locator("#large-facts")).ToContainTextAsync("i-0123456789abcdef0");
        await PageBrowser.AssertAccessibleAsync(page, "large view");
        await PageBrowser.ScreenshotAsync(page, "large.png");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(":focus")).ToHaveAttributeAsync("aria-label", "Large view of picture 0005.png");
        await Expect(page.Locator(":focus")).ToHaveAccessibleDescriptionAsync("label 5 5.0 % Right: pear");

        // A picture that leaves the filter leaves its place to the next one.
        await page.Locator("#find-state").SelectOptionAsync("corrected");
        await Expect(page.Locator("#find-count")).ToHaveTextAsync("5 of 1,000 pictures");
        await page.Locator(".card .open").Nth(2).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#right-label").FillAsync("");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#large-place")).ToBeEmptyAsync();
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(page.Locator("#large-place")).ToHaveTextAsync("3 of 4");
        await Expect(page.Locator("#large-name")).ToHaveTextAsync("picture 0004.png");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(":focus")).ToHaveAttributeAsync("aria-label", "Large view of picture 0004.png");
        await page.Keyboard.PressAsync("ArrowLeft");
        Assert.Equal("Large view of picture 0002.png", await FocusedAsync());
        await page.Locator("#find-reset").ClickAsync();
        await Expect(page.Locator("#find-count")).ToHaveTextAsync("1,000 pictures");

        Task<string?> FocusedAsync() => page.EvaluateAsync<string?>("document.activeElement.getAttribute('aria-label')");

        // In the grid: where the card with the focus is among all cards.
        async Task<(double X, double Y)> PlaceAsync()
        {
            var place = await page.EvaluateAsync<double[]>(
                """
                () => {
                  const [card, cards] = [document.activeElement.closest(".card"), document.getElementById("cards")];
                  const [of, all] = [card, cards].map((element) => element.getBoundingClientRect());
                  return [of.left - all.left, of.top - all.top];
                }
                """);
            return (place[0], place[1]);
        }
    }

    private static async Task AssertExportsAsync(IPage page, int count)
    {
        var csv = await File.ReadAllLinesAsync(await DownloadAsync(page, "#download"));
        Assert.Equal(count + 1, csv.Length);
        var lines = await File.ReadAllLinesAsync(await DownloadAsync(page, "#download-lines"));
        Assert.Equal(count, lines.Length);
        var second = JsonSerializer.Deserialize<JsonElement>(lines[1]);
        Assert.Equal("picture 0001.png", second.GetProperty("fileName").GetString());
        Assert.Equal("classified", second.GetProperty("status").GetString());
        Assert.Equal(5, second.GetProperty("predictions").GetArrayLength());
        Assert.Equal(32, second.GetProperty("jobId").GetString()!.Length);
        Assert.Equal("model", second.GetProperty("model").GetProperty("name").GetString());
        Assert.Equal(Tiny(1).Hash, second.GetProperty("sha256").GetString());
        Assert.Equal("apple", second.GetProperty("rightLabel").GetString());
        var failed = JsonSerializer.Deserialize<JsonElement>(lines[50]);
        Assert.Equal("failed", failed.GetProperty("status").GetString());
        Assert.Equal("It was tried several times.", failed.GetProperty("error").GetString());

        Assert.Equal(
            "fileName,label,probability,status,error,batchId,jobId,label2,probability2,label3,probability3,label4,probability4,"
            + "label5,probability5,model,modelSha256,instanceId,cached,sha256,rightLabel",
            csv[0].TrimStart('\uFEFF'));
        Assert.Equal(
            $"picture 0001.png,\"label 1, another name\",0.01,classified,,{IdsOf(second)},\"{LongLabel}\",0.5,"
            + "\"label 3, another name\",0.25,\"label 4, another name\",0.125,\"label 5, another name\",0.0001,"
            + $"model,{new string('a', 64)},i-0123456789abcdef0,,{Tiny(1).Hash},apple",
            csv[2]);
        Assert.Equal(
            $"picture 0050.png,,,failed,It was tried several times.,{IdsOf(failed)},,,,,,,,,,,,,{Tiny(50).Hash},",
            csv[51]);

        var folder = Directory.CreateTempSubdirectory("image-classifier-corrections-");
        try
        {
            ZipFile.ExtractToDirectory(await DownloadAsync(page, "#corrections"), folder.FullName);
            var corrections = Path.Combine(folder.FullName, "corrections");
            Assert.Equal(Tiny(4).Bytes, await File.ReadAllBytesAsync(Path.Combine(corrections, "pear", "picture 0004.png")));
            var (exitCode, _, error) = await BuiltProgram.RunAsync(
                "train", corrections, "--out", Path.Combine(folder.FullName, "fruit"));
            Assert.True(exitCode == 0, error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        static string IdsOf(JsonElement picture) => $"{picture.GetProperty("batchId")},{picture.GetProperty("jobId")}";
    }

    private static async Task AssertFailedAreSentAgainAsync(IPage page, ResultSource results)
    {
        await Expect(page.Locator("#retry-failed")).ToHaveTextAsync("Try 10 failed again");
        await page.Locator("#retry-failed").ClickAsync();
        await Expect(page.GetByTestId("failed")).ToHaveTextAsync("0");
        await Expect(page.Locator("#stop")).ToBeHiddenAsync();
        await page.Locator("#find-state").SelectOptionAsync("open");
        await Expect(page.Locator("#find-count")).ToHaveTextAsync("10 of 1,000 pictures");
        await page.Locator(".card .open").First.FocusAsync();
        results.EverythingWorks = true;
        await results.SendAllAsync(1_010);
        await Expect(page.GetByTestId("classified")).ToHaveTextAsync("1000");
        // The card with the focus has left the filter, and no other is left.
        await Expect(page.Locator("#cards")).ToBeFocusedAsync();
    }

    /// <returns>The path of the file that a button gives.</returns>
    private static async Task<string> DownloadAsync(IPage page, string button)
    {
        var download = await page.RunAndWaitForDownloadAsync(() => page.Locator(button).ClickAsync());
        return (await download.PathAsync())!;
    }

    /// <summary>A screen reader hears the text, because it is in a live region.</summary>
    private static Task AssertHeardAsync(IPage page, string text) =>
        Expect(page.Locator("[role=alert], [role=status]:not([aria-live=off]), [aria-live=polite]:not([role])")
            .Filter(new LocatorFilterOptions { HasText = text, Visible = true })).ToHaveCountAsync(1);

    [GeneratedRegex("[?]cancel=waiting$")]
    private static partial Regex Cancel();

    [GeneratedRegex("^At .*: 3 pictures wait")]
    private static partial Regex DatedLaunch();

    [GeneratedRegex("[45][0-9]{2}")]
    private static partial Regex StatusCode();

    /// <summary>Gives files to the page as a user does. Playwright would send each file in a message of its own.</summary>
    /// <param name="page">The page that gets the files.</param>
    /// <param name="pictures">The files, in their order.</param>
    /// <param name="by"><c>change</c> of the file input, <c>paste</c> or <c>drop</c>.</param>
    private static Task ChooseAsync(IPage page, IEnumerable<TinyPicture> pictures, string by = "change") => page.EvaluateAsync(
        """
        ({ files, by }) => {
          const transfer = new DataTransfer();
          for (const { name, bytes } of files) {
            transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name, { type: "image/png" }));
          }
          const about = { bubbles: true, clipboardData: transfer, dataTransfer: transfer };
          if (by === "paste") return void document.body.dispatchEvent(new ClipboardEvent(by, about));
          if (by === "drop") return void document.body.dispatchEvent(new DragEvent(by, about));
          const input = document.getElementById("files");
          input.files = transfer.files;
          input.dispatchEvent(new Event(by));
        }
        """,
        new
        {
            files = pictures.Select(picture => new { name = picture.Name, bytes = Convert.ToBase64String(picture.Bytes) })
                .ToArray(),
            by,
        });

    private static FilePayload ToFile(string name, byte[] bytes) => new() { Name = name, MimeType = "image/png", Buffer = bytes };

    /// <summary>A picture of a few pixels that no other number has.</summary>
    private static TinyPicture Tiny(int number)
    {
        using var bitmap = new SKBitmap(8, 8);
        bitmap.Erase(new SKColor((byte)(number >> 8), (byte)number, 128));
        using var data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return new TinyPicture($"picture {number:0000}.png", data.ToArray());
    }

    private sealed record TinyPicture(string Name, byte[] Bytes)
    {
        public string Hash => Convert.ToHexStringLower(SHA256.HashData(Bytes));
    }

    /// <summary>Gives the page the results of all its batches over its own sockets, and a fleet that boots.</summary>
    private sealed class ResultSource(RunningService service)
    {
        private readonly ConcurrentDictionary<string, IWebSocketRoute> _sockets = new();
        private readonly HashSet<string> _sent = [];

        public List<string> FileNames { get; } = [];

        /// <summary>Otherwise each hundredth picture fails.</summary>
        public bool EverythingWorks { get; set; }

        public static async Task<ResultSource> StartAsync(IPage page, RunningService service)
        {
            var source = new ResultSource(service);
            await page.RouteWebSocketAsync("**/ws?*", socket =>
                source._sockets[HttpUtility.ParseQueryString(new Uri(socket.Url).Query)["batch"]!] = socket);
            await page.RouteAsync("**/api/fleet", route => route.FulfillAsync(new RouteFulfillOptions { Json = Fleet() }));
            return source;
        }

        /// <summary>Sends the results of all batches, once there are so many jobs in total.</summary>
        public Task SendAllAsync(int total) => Until.HoldsAsync(
            async () =>
            {
                await SendAsync();
                return _sent.Count >= total;
            },
            TimeSpan.FromMinutes(1),
            () => $"The page follows only {_sent.Count} jobs.");

        /// <summary>Forgets the sockets of a page that is about to be reloaded, once there are so many.</summary>
        public async Task ForgetSocketsAsync(int count)
        {
            await Until.HoldsAsync(
                () => _sockets.Count == count, TimeSpan.FromMinutes(1), () => $"The page has {_sockets.Count} sockets.");
            _sockets.Clear();
        }

        private async Task SendAsync()
        {
            foreach (var (batch, socket) in _sockets)
            {
                var jobs = (await service.GetJsonAsync($"/api/batches/{batch}")).GetProperty("jobs").EnumerateArray();
                foreach (var job in jobs)
                {
                    var (id, name) = (job.GetProperty("jobId").GetString()!, job.GetProperty("fileName").GetString()!);
                    if (!_sent.Add(id)) continue;
                    FileNames.Add(name);
                    socket.Send(JsonSerializer.Serialize(
                        new { id = $"e-{_sent.Count}", type = "result", job = Result(id, name) }));
                }
            }
        }

        private object Result(string id, string name)
        {
            var number = name.StartsWith("picture ", StringComparison.Ordinal)
                ? int.Parse(name.AsSpan("picture ".Length, 4), CultureInfo.InvariantCulture)
                : 1;
            if (number % 100 == 50 && !EverythingWorks)
                return new { jobId = id, fileName = name, status = "failed", error = "It was tried several times." };
            // Sure between 0 % and 99 %, in steps of 1 %.
            var best = number % 100 / 100.0;
            return new
            {
                jobId = id,
                fileName = name,
                status = "classified",
                predictions = new[] { best, 0.5, 0.25, 0.125, 0.0001 }.Select((probability, place) =>
                    new { index = place, label = LabelOf(number, place), probability }),
                model = new { name = "model", sha256 = new string('a', 64), classes = 40 },
                instanceId = "i-0123456789abcdef0",
                timings = new { fetchMs = 1.0, decodeMs = 5.0, classifyMs = 20.0, totalMs = 27.0 },
            };
        }

        private static string LabelOf(int number, int place) =>
            place == 1 ? LongLabel : $"label {(number + place) % 40}, another name";

        private static object Fleet() => new
        {
            maxInstances = 2,
            waiting = 0,
            inFlight = 0,
            backlog = 0,
            serviceTimeMs = 30,
            bootTimeSeconds = 20,
            formats = "JPEG or PNG",
            instances = new[] { "i-1", "i-2" }.Select(id => new { instanceId = id, state = "pending" }),
            problems = Array.Empty<object>(),
            decisions = new[]
            {
                new
                {
                    at = "2026-03-04T05:06:07Z", until = "2026-03-04T05:06:07Z", waiting = 3, running = 0, pending = 2,
                    draining = 0, wanted = 2, launched = 2, reason = "3 pictures wait, so 2 instances are wanted.",
                },
            },
            models = Array.Empty<object>(),
        };
    }
}
