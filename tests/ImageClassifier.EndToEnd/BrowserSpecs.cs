using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Web;
using ImageClassifier.EndToEnd.Pictures;
using ImageClassifier.EndToEnd.Programs;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace ImageClassifier.EndToEnd;

/// <summary>The page in Debian's Chromium.</summary>
[Collection(BrowserCollection.Name)]
public sealed partial class BrowserSpecs
{
    private const string QuickPolls = "node.polling.wait-time=1s";

    // A variable of the environment may set another one.
    private const string DefaultModel = "node.classification.model=models/tiny-imagenet-200";

    static BrowserSpecs() => SetDefaultExpectTimeout(60_000);

    [SkippableFact]
    public async Task Chosen_pictures_show_their_labels_in_order_and_the_fleet_comes_and_goes()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            // Only what is seen is in the document, so the window is as long as the list.
            ViewportSize = new ViewportSize { Width = 1280, Height = 2_600 },
            ReducedMotion = ReducedMotion.Reduce,
        });
        var complaints = PageBrowser.ErrorsOf(page);

        await page.GotoAsync(service.Address.ToString());
        await page.SetInputFilesAsync("#files", TestPictures.All.Select(picture => new FilePayload
        {
            Name = picture.Name,
            MimeType = picture.Name.EndsWith(".png", StringComparison.Ordinal) ? "image/png" : "image/jpeg",
            Buffer = picture.Bytes,
        }));
        await Expect(page.Locator("#fleet .instance")).Not.ToHaveCountAsync(0);
        await Expect(page.Locator("#decision-list li")
            .Filter(new LocatorFilterOptions { HasTextRegex = LaunchedSome() }))
            .Not.ToHaveCountAsync(0);
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(TestPictures.All.Count);
        await Expect(page.Locator("#summary")).ToHaveAttributeAsync("data-state", "done");
        Assert.Equal(
            TestPictures.All.Select(picture => picture.Name),
            (await page.Locator(".card .name").AllTextContentsAsync()).Select(name => name.Trim()));
        Assert.All(await page.Locator(".card .label").AllTextContentsAsync(), label => Assert.NotEmpty(label.Trim()));
        // The README's picture is made like this, with the sample pictures of the page.
        await page.SetViewportSizeAsync(1280, 960);
        await PageBrowser.ScreenshotAsync(page, "page.png");
        await page.SetViewportSizeAsync(1280, 2_600);

        await page.ReloadAsync();
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(TestPictures.All.Count);
        await service.FleetEndsAsync(TimeSpan.FromMinutes(1));
        await Expect(page.Locator("#fleet .instance[data-state=running]")).ToHaveCountAsync(0);
        Assert.Empty(complaints);
    }

    [SkippableFact]
    public async Task The_page_continues_after_a_restart_of_the_service()
    {
        var data = Directory.CreateTempSubdirectory("image-classifier-").FullName;
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 844 },
        });

        Uri address;
        // No node starts in the first life of the service, so all work is left for the second.
        await using (var first = await RunningService.StartAsync(data, ownsData: false, QuickPolls))
        {
            first.PreventLaunches();
            address = first.Address;
            await page.GotoAsync(address.ToString());
            await page.SetInputFilesAsync("#files", TestPictures.Many(60).Select((picture, i) => new FilePayload
            {
                Name = picture.Name,
                MimeType = "image/jpeg",
                // The page sends the same bytes only once. Decoders ignore what follows a picture.
                Buffer = [.. picture.Bytes, (byte)i],
            }));
            await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("60");
            await Expect(page.Locator("#stop")).ToBeHiddenAsync();
            await first.KillWebAsync();
        }

        RunningService.AllowLaunches(data);
        await using var second = await RunningService.StartAsync(
            data, ownsData: true, address, QuickPolls, "queues.requests.lease=5s");
        await Expect(page.GetByTestId("classified")).ToHaveTextAsync("60");
        await PageBrowser.ScreenshotAsync(page, "phone.png");
    }

    [SkippableFact]
    public async Task A_picture_that_failed_and_is_redriven_shows_as_classified()
    {
        // No node starts, so the page gets only the results that this test publishes.
        await using var service = await RunningService.StartAsync();
        service.PreventLaunches();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync();
        var opened = new TaskCompletionSource<IWebSocketRoute>(TaskCreationOptions.RunContinuationsAsynchronously);
        await page.RouteWebSocketAsync("**/ws?*", socket => opened.TrySetResult(socket));
        await page.GotoAsync(service.Address.ToString());
        await page.SetInputFilesAsync(
            "#files", new FilePayload { Name = "a.jpg", MimeType = "image/jpeg", Buffer = TestPictures.All[0].Bytes });
        var socket = await opened.Task.WaitAsync(TimeSpan.FromMinutes(1));
        var batch = HttpUtility.ParseQueryString(new Uri(socket.Url).Query)["batch"];
        var job = (await service.GetJsonAsync($"/api/batches/{batch}")).GetProperty("jobs")[0].GetProperty("jobId").GetString();

        socket.Send(JsonSerializer.Serialize(new
        {
            id = "e-1",
            type = "result",
            job = new { jobId = job, fileName = "a.jpg", status = "failed", error = "It was tried several times." },
        }));
        await Expect(page.Locator(".card[data-state=failed]")).ToHaveCountAsync(1);
        socket.Send(JsonSerializer.Serialize(new
        {
            id = "e-2",
            type = "result",
            job = new
            {
                jobId = job,
                fileName = "a.jpg",
                status = "classified",
                predictions = new[] { new { index = 0, label = "redriven", probability = 1.0 } },
            },
        }));
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(1);
        await Expect(page.Locator(".card .label")).ToContainTextAsync("redriven");
    }

    [SkippableFact]
    public async Task The_page_names_the_model_that_answered_and_says_how_to_get_another_one()
    {
        await using var service = await RunningService.StartAsync(QuickPolls, DefaultModel);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
        });
        await page.GotoAsync(service.Address.ToString());
        // Before there is a batch, the lines send a picture.
        await Expect(page.Locator("#code-python")).ToContainTextAsync("cat.jpg");
        var lines = await Task.WhenAll(CodeLines.Languages.Select(language => CodeLines.ReadAsync(page, language)));
        await page.SetInputFilesAsync("#files", TestPictures.Many(2).Select(ToFile));
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(2);

        var fleet = await service.GetJsonAsync("/api/fleet");
        var model = Assert.Single(fleet.GetProperty("models").EnumerateArray());
        var (name, hash) = (model.GetProperty("name").GetString()!, model.GetProperty("sha256").GetString()!);
        Assert.True(model.GetProperty("builtIn").GetBoolean());
        Assert.Equal("setting", model.GetProperty("role").GetString());
        await Expect(page.GetByTestId("answered"))
            .ToContainTextAsync($"Classified by {name} {hash[..12]}, which knows 200 classes.");
        await page.Locator("#other-model summary").ClickAsync();
        await Expect(page.GetByTestId("other-model")).ToContainTextAsync("image-classifier models add mobilenetv2");
        await Expect(page.GetByTestId("other-model")).ToContainTextAsync("image-classifier train FOLDER --out DIR");

        // The hash is hidden until somebody focuses the name or points at it.
        var hidden = page.Locator("#answered .model-hash");
        await Expect(hidden).ToHaveCSSAsync("clip-path", "inset(50%)");
        await page.Locator("#answered .model-name").FocusAsync();
        await Expect(hidden).ToHaveCSSAsync("clip-path", "none");
        await page.Locator("#models summary").FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#models summary")).ToContainTextAsync($"Models: {name}");
        await Expect(page.Locator("#model-table td")).ToContainTextAsync(["By setting", "2", "0 (0 %)", "%"]);
        await PageBrowser.ScreenshotAsync(page, "model.png");

        await page.Locator("#code-lines summary").ClickAsync();
        await page.Locator("[data-code=code-python]").ClickAsync();
        await Expect(page.Locator("#announcer")).ToContainTextAsync("The lines ");
        await File.WriteAllBytesAsync(Path.Combine(service.DataFolder, "cat.jpg"), TestPictures.All[3].Bytes);
        foreach (var (language, ofLanguage) in CodeLines.Languages.Zip(lines))
        {
            Assert.StartsWith(
                "cat.jpg classified ",
                await CodeLines.RunAsync(language, ofLanguage, service.DataFolder),
                StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task A_picture_that_was_uploaded_before_says_that_its_result_is_not_new()
    {
        await using var service = await RunningService.StartAsync(QuickPolls, "uploads.repeats=own-key");
        await service.FollowAsync(
            ServiceClient.BatchId(await service.UploadAsync(TestPictures.All.Take(1))), TimeSpan.FromMinutes(1));
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 900 },
        });
        await page.GotoAsync(service.Address.ToString());
        await page.SetInputFilesAsync("#files", ToFile(TestPictures.All[0]));
        await page.Locator(".card[data-state=classified]").ClickAsync();
        await Expect(page.Locator("#large-state")).ToHaveTextAsync("Classified. Answered from an earlier upload.");
        await Expect(page.Locator("#large-facts dt")).ToHaveTextAsync(["Model", "Job", "SHA-256"]);
        await PageBrowser.AssertAccessibleAsync(page, "cached");
        await PageBrowser.ScreenshotAsync(page, "cached.png");
        await page.Keyboard.PressAsync("Escape");

        var lines = await DownloadAsync("#download-lines");
        Assert.True(JsonSerializer.Deserialize<JsonElement>(lines).GetProperty("cached").GetBoolean());
        var csv = await DownloadAsync("#download");
        Assert.Contains(",instanceId,cached,", csv, StringComparison.Ordinal);
        Assert.Contains(",web,true,", csv, StringComparison.Ordinal);

        async Task<string> DownloadAsync(string button)
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.Locator(button).ClickAsync());
            return await File.ReadAllTextAsync((await download.PathAsync())!);
        }
    }

    [SkippableFact]
    public async Task The_page_shows_two_models_and_how_a_canary_does()
    {
        // No node starts, so the page gets only the results and the fleet of this test.
        await using var service = await RunningService.StartAsync();
        service.PreventLaunches();
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 390, Height = 844 },
            ColorScheme = ColorScheme.Dark,
        });
        await page.RouteAsync(
            "**/api/fleet", route => route.FulfillAsync(new RouteFulfillOptions { Json = FleetWithCanary() }));
        var opened = new TaskCompletionSource<IWebSocketRoute>(TaskCreationOptions.RunContinuationsAsynchronously);
        await page.RouteWebSocketAsync("**/ws?*", socket => opened.TrySetResult(socket));
        await page.GotoAsync(service.Address.ToString());
        await page.SetInputFilesAsync("#files", TestPictures.Many(3).Select(ToFile));
        var socket = await opened.Task.WaitAsync(TimeSpan.FromMinutes(1));
        var batch = HttpUtility.ParseQueryString(new Uri(socket.Url).Query)["batch"];
        var jobs = (await service.GetJsonAsync($"/api/batches/{batch}")).GetProperty("jobs").EnumerateArray().ToArray();
        foreach (var (job, model) in jobs.Zip((string[])["resnet-50", "resnet-50", "fruit"]))
        {
            socket.Send(JsonSerializer.Serialize(new
            {
                id = $"e-{model}",
                type = "result",
                job = new
                {
                    jobId = job.GetProperty("jobId").GetString(),
                    fileName = "a.jpg",
                    status = "classified",
                    predictions = new[] { new { index = 0, label = "pear", probability = 0.9 } },
                    model = new { name = model, sha256 = HashOf(model), classes = model == "fruit" ? 12 : 1000 },
                },
            }));
        }

        await Expect(page.Locator("#answered-by p")).ToContainTextAsync(
        [
            $"2 pictures classified by resnet-50 {HashOf("resnet-50")[..12]}, which knows 1,000 classes.",
            $"1 picture classified by fruit {HashOf("fruit")[..12]}, which knows 12 classes.",
        ]);
        await Expect(page.GetByTestId("other-model")).ToBeHiddenAsync();
        await Expect(page.Locator("#models summary"))
            .ToHaveTextAsync("Models: resnet-50, fruit for 12.5 % of the batches");
        // On a phone the fleet is one line until somebody opens it.
        await Expect(page.Locator("#models summary")).ToBeHiddenAsync();
        await page.Locator(".fleet-head").ClickAsync();
        await page.Locator("#models summary").ClickAsync();
        await Expect(page.Locator("#model-table tbody")).ToContainTextAsync(
            ["resnet-50", "fruit", "Nodes refuse it: It fails its samples."]);
        await Expect(page.Locator("#model-table tbody").Nth(1).Locator("td"))
            .ToHaveTextAsync(["Canary, 12.5 %", "90", "10 (10 %)", "61.2 %"]);
        await page.Locator("#model-table .model-name").First.FocusAsync();
        // Nothing is wider than the phone.
        Assert.Equal(390, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await PageBrowser.ScreenshotAsync(page, "canary-phone.png", fullPage: true);
    }

    private static string HashOf(string model) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model)));

    private static object FleetWithCanary() => new
    {
        maxInstances = 2,
        waiting = 0,
        inFlight = 0,
        backlog = 0,
        instances = Array.Empty<object>(),
        problems = Array.Empty<object>(),
        decisions = Array.Empty<object>(),
        models = new object[]
        {
            new
            {
                name = "resnet-50", sha256 = HashOf("resnet-50"), classes = 1000, builtIn = false, role = "active",
                classified = 12345, failed = 12, failedShare = 0.00097, meanConfidence = 0.8145,
                since = "2026-03-04T05:06:07Z",
            },
            new
            {
                name = "fruit", sha256 = HashOf("fruit"), classes = 12, builtIn = false, role = "canary", share = 0.125,
                classified = 90, failed = 10, failedShare = 0.1, meanConfidence = 0.6124, since = "2026-03-04T05:06:07Z",
            },
            new
            {
                name = "tiny-imagenet-200", sha256 = HashOf("tiny"), classes = 200, builtIn = true, role = "earlier",
                refusal = "It fails its samples.", classified = 0, failed = 0,
            },
        },
    };

    private static FilePayload ToFile(TestPicture picture) =>
        new() { Name = picture.Name, MimeType = "image/jpeg", Buffer = picture.Bytes };

    [SkippableFact]
    public async Task The_page_asks_for_the_key_once_and_keeps_it()
    {
        var (_, output, _) = await BuiltProgram.RunAsync("key", "page", "--json");
        var newKey = JsonSerializer.Deserialize<JsonElement>(output);
        var key = newKey.GetProperty("key").GetString()!;
        await using var service = await RunningService.StartAsync(
            QuickPolls, $"access.keys.page={newKey.GetProperty("hash").GetString()}");
        service.Http.DefaultRequestHeaders.Add("X-Api-Key", key);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync(new BrowserNewPageOptions
        {
            ViewportSize = new ViewportSize { Width = 1280, Height = 720 },
        });
        var complaints = new List<string>();
        page.Console += (_, message) =>
        {
            // Chromium logs each 401 answer itself.
            if (message.Type == "error" && !message.Text.Contains("401", StringComparison.Ordinal))
                complaints.Add(message.Text);
        };
        page.PageError += (_, failure) => complaints.Add(failure);

        // The page asks for the key at once. Pictures that are chosen meanwhile wait.
        await page.GotoAsync(service.Address.ToString());
        await Expect(page.Locator("#key")).ToBeFocusedAsync();
        await PageBrowser.ScreenshotAsync(page, "key.png");
        await page.SetInputFilesAsync("#files", new FilePayload
        {
            Name = TestPictures.All[0].Name,
            MimeType = "image/jpeg",
            Buffer = TestPictures.All[0].Bytes,
        });
        await Expect(page.Locator(".card[data-state=waiting]")).ToHaveCountAsync(1);
        await page.Locator("#key").FocusAsync();
        await page.Keyboard.TypeAsync("not-the-key");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#key-text")).ToContainTextAsync("wrong or no longer valid");
        await PageBrowser.ScreenshotAsync(page, "key-wrong.png");

        // The wrong key is selected, so typing replaces it.
        await page.Keyboard.TypeAsync(key);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#key-form")).ToBeHiddenAsync();
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(1);
        await Expect(page.Locator("#fleet")).ToBeVisibleAsync();

        await page.ReloadAsync();
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(1);
        await Expect(page.Locator("#fleet-count")).ToContainTextAsync("of");
        await Expect(page.Locator("#key-form")).ToBeHiddenAsync();
        var batch = await page.EvaluateAsync<string>(
            "JSON.parse(sessionStorage.getItem('image-classifier.batches'))[0].id");

        // Another tab asks again, but shows the batches that its link gives the right to read.
        var other = await browser.NewPageAsync();
        await other.GotoAsync(new Uri(service.Address, $"/#batch={batch}").ToString());
        await Expect(other.Locator("#key")).ToBeVisibleAsync();
        await Expect(other.Locator(".card[data-state=classified]")).ToHaveCountAsync(1);
        Assert.Empty(complaints);
    }

    [SkippableFact]
    public async Task The_page_shows_the_reason_of_each_refusal_and_names_cannot_reverse_the_text()
    {
        await using var service = await RunningService.StartAsync(QuickPolls);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await PageBrowser.LaunchAsync(playwright);
        var page = await browser.NewPageAsync();
        await page.GotoAsync(service.Address.ToString());
        // Far more than the page sends of a refused film.
        var film = new byte[30 << 20];
        "\0\0\0\u0014ftypqt  \0\0\0\0qt  "u8.CopyTo(film);
        (string Name, byte[] Bytes)[] files =
        [
            ("cat\u202Egpj.png", TestPictures.All[0].Bytes),
            ("blob", TestPictures.All[0].Bytes),
            ("film.mov", film),
            ("photo.heic", "\0\0\0\u0018ftypheic\0\0\0\0mif1heic"u8.ToArray()),
        ];
        // As files, because a driven browser takes a minute for a film in a message.
        var folder = Directory.CreateTempSubdirectory("image-classifier-page-");
        try
        {
            var paths = files.Select(file => Path.Combine(folder.FullName, file.Name)).ToArray();
            foreach (var (path, file) in paths.Zip(files)) await File.WriteAllBytesAsync(path, file.Bytes);
            await page.SetInputFilesAsync("#files", paths);
            await AssertRefusalsAsync(page);

            // One of two files changes before they are sent.
            string[] two = [Path.Combine(folder.FullName, "stays.jpg"), Path.Combine(folder.FullName, "changes.jpg")];
            foreach (var (path, i) in two.Zip([1, 2])) await File.WriteAllBytesAsync(path, TestPictures.All[i].Bytes);
            await page.RouteAsync(
                "**/api/batches",
                async route =>
                {
                    await File.WriteAllTextAsync(two[1], "changed");
                    await route.AbortAsync();
                },
                new PageRouteOptions { Times = 1 });
            await page.SetInputFilesAsync("#files", two);
            await Expect(page.Locator(".card[data-state=rejected] .reason").Last)
                .ToHaveTextAsync("The file cannot be read. Check that it still exists, and choose it again.");
            await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(3);

            // The user has the old file again, and chooses it.
            await File.WriteAllBytesAsync(two[1], TestPictures.All[2].Bytes);
            await page.SetInputFilesAsync("#files", two[1]);
            await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(4);

            // Of a dropped folder the page takes the pictures.
            var dropped = Directory.CreateDirectory(Path.Combine(folder.FullName, "dropped", "inner"));
            await File.WriteAllBytesAsync(Path.Combine(dropped.FullName, "inside.jpg"), TestPictures.All[3].Bytes);
            await File.WriteAllTextAsync(Path.Combine(dropped.FullName, "notes.txt"), "No picture.");
            await DropAsync(page, dropped.Parent!.FullName);
            await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(5);
            await Expect(page.GetByTestId("chosen")).ToHaveTextAsync("8");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Drops a file or folder of this machine on the page.</summary>
    private static async Task DropAsync(IPage page, string path)
    {
        var browser = await page.Context.NewCDPSessionAsync(page);
        foreach (var (type, isOver) in ((string, bool)[])[("dragEnter", true), ("dragOver", true), ("drop", false)])
        {
            await browser.SendAsync("Input.dispatchDragEvent", new Dictionary<string, object>
            {
                ["type"] = type,
                ["x"] = 200,
                ["y"] = 200,
                ["data"] = new { items = Array.Empty<object>(), files = new[] { path }, dragOperationsMask = 1 },
            });
            await Expect(page.Locator(".drop-veil")).ToBeVisibleAsync(new() { Visible = isOver });
        }
    }

    private static async Task AssertRefusalsAsync(IPage page)
    {
        await Expect(page.Locator(".card[data-state=classified]")).ToHaveCountAsync(2);
        await Expect(page.Locator(".card[data-state=rejected] .reason")).ToHaveTextAsync(
        [
            "The file is a video. Send single pictures of it.",
            "The file is a HEIC picture. Export it as JPEG or PNG.",
        ]);
        Assert.Equal(
            ["cat\uFFFDgpj.png", "blob", "film.mov", "photo.heic"],
            await page.Locator(".card .name").AllTextContentsAsync());
        Assert.Equal("cat\uFFFDgpj.png", await page.Locator(".card .name").First.GetAttributeAsync("title"));
    }

    [GeneratedRegex("[1-9][0-9]* launched")]
    private static partial Regex LaunchedSome();
}
