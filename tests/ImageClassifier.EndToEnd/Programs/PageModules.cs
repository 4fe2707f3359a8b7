using System.Security.Cryptography;
using Microsoft.Playwright;
using Xunit;

namespace ImageClassifier.EndToEnd.Programs;

/// <summary>What is quicker to ask of the page's modules than to bring about.</summary>
internal static class PageModules
{
    /// <summary>Notes the thumbnails in memory. They are JPEG, so the pictures are PNG.</summary>
    public const string NoteThumbnails =
        """
        globalThis.thumbnails = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (content) => {
          const url = createObjectURL.call(URL, content);
          if (content.type === "image/jpeg") thumbnails.add(url);
          return url;
        };
        URL.revokeObjectURL = (url) => {
          thumbnails.delete(url);
          revokeObjectURL.call(URL, url);
        };
        """;

    /// <param name="page">A page with <see cref="NoteThumbnails"/>, on which nothing changes meanwhile.</param>
    /// <param name="picture">A PNG.</param>
    public static async Task AssertAsync(IPage page, byte[] picture)
    {
        Assert.Equal(
            "\uFEFFname,part\r\n\"a,\"\"b\"\".png\",0.333333\r\n\"'=1+1.png\",\r\n",
            await page.EvaluateAsync<string>(
                """
                async () => (await import("/results/csv.js")).toCsv(
                  ["name", "part"], [{ name: 'a,"b".png', part: 1 / 3 }, { name: "=1+1.png", part: null }])
                """));
        await AssertWaitingWordsAsync(page);
        await AssertSummaryWordsAsync(page);
        await AssertFewThumbnailsAreKeptAsync(page, picture);
        Assert.Equal(
            ["a.png", "b 9.png", "b 10.png"],
            await page.EvaluateAsync<string[]>(
                """
                async () => {
                  const { EVERYTHING, select } = await import("/pictures/selection.js");
                  const pictures = ["b 10.png", "a.png", "b 9.png"].map((fileName) => ({ fileName, rightLabel: "" }));
                  return select(pictures, { ...EVERYTHING, order: "name" }).shown.map(({ fileName }) => fileName);
                }
                """));
        // Around the lengths at which the padding takes another block.
        int[] lengths = [0, 55, 56, 63, 64, 65, 1_000_000];
        Assert.Equal(
            lengths.Select(length => Convert.ToHexStringLower(SHA256.HashData(new byte[length]))),
            await page.EvaluateAsync<string[]>(
                "async (lengths) => { const { sha256 } = await import('/intake/sha256.js');"
                + " return lengths.map((length) => sha256(new ArrayBuffer(length))); }",
                lengths));
        // Without the worker no file has a hash, and each is sent. Three files are looked at together.
        Assert.Equal(
            ["", "", "", "", ""],
            await page.EvaluateAsync<string[]>(
                """
                async () => {
                  const { Worker } = globalThis;
                  globalThis.Worker = class extends Worker {
                    constructor() {
                      super("/no-such-file.js");
                    }
                  };
                  const { looks } = await import("/intake/look.js?without-worker");
                  const head = Uint8Array.from("\x89PNG\r\n\x1A\n", (c) => c.charCodeAt(0));
                  const pictures = Array.from({ length: 5 }, (_, i) => ({ file: new File([head], `${i}.png`), hash: "" }));
                  const hashes = [];
                  for await (const group of looks(pictures, () => "PNG")) hashes.push(...group.map(({ look }) => look.hash));
                  globalThis.Worker = Worker;
                  return hashes;
                }
                """).WaitAsync(TimeSpan.FromMinutes(1)));
    }

    private static async Task AssertWaitingWordsAsync(IPage page) => Assert.Equal(
        [
            "1 picture waits for 1 instance.", "2 pictures wait for 2 instances.", "An instance works on it.",
            "2 instances work on it.", "1 instance boots, about 15 s.", "2 instances boot; it takes longer than usual.",
            "No instance runs yet. The scaler starts one.", "",
            "About 89 s left", "About 2 min left", "About 2 h left", "1 instance boots, about 20 s", "", "",
            "Pictures wait until 05:06", "Pictures wait until Wednesday", "",
        ],
        await page.EvaluateAsync<string[]>(
            """
            async () => {
              const { timeLeft, untilWhen, whyQueued } = await import("/pictures/waiting-reason.js");
              const launchedAt = "2026-03-04T05:06:00Z";
              const after = (seconds) => Date.parse(launchedAt) + seconds * 1_000;
              const fleet = (waiting, ...states) => {
                const instances = states.map((state) => ({ state, launchedAt }));
                return { waiting, instances, bootTimeSeconds: 20 };
              };
              const [monday, wednesday] = [new Date(2026, 2, 2), new Date(2026, 2, 4, 5, 6)];
              return [
                whyQueued(fleet(1, "running"), after(0)),
                whyQueued(fleet(2, "running", "running"), after(0)),
                whyQueued(fleet(0, "running", "pending"), after(0)),
                whyQueued(fleet(0, "running", "running"), after(0)),
                whyQueued(fleet(1, "pending", "ended"), after(5)),
                whyQueued(fleet(1, "pending", "pending"), after(20)),
                whyQueued(fleet(1, "ended"), after(0)),
                whyQueued(null, after(0)),
                timeLeft(178, 2, null, after(0)),
                timeLeft(180, 2, null, after(0)),
                timeLeft(5_400, 1, null, after(0)),
                timeLeft(3, 0, fleet(3, "pending"), after(0)),
                timeLeft(3, 0, fleet(3, "running"), after(0)),
                timeLeft(0, 1, null, after(0)),
                untilWhen(wednesday, new Date(2026, 2, 4).getTime()),
                untilWhen(wednesday, monday.getTime()).slice(0, "Pictures wait until Wednesday".length),
                untilWhen(undefined, after(0)),
              ];
            }
            """));

    /// <summary>The words above the cards in a run of 20 s, without waiting so long.</summary>
    private static async Task AssertSummaryWordsAsync(IPage page) => Assert.Equal(
        [
            "(1/3) Image Classifier", "–", "2 of 3 pictures are done.", "2.0", "–",
            "Image Classifier", "4.0", "All pictures are done: 2 classified, 1 failed.",
        ],
        await page.EvaluateAsync<string[]>(
            """
            async () => {
              const { Summary } = await import("/pictures/summary.js");
              const realNow = performance.now;
              let now = 0;
              performance.now = () => now;
              const summary = new Summary();
              const show = (...states) => summary.show(states.map((state) => ({ state })));
              const words = (selector) => document.querySelector(selector).textContent;
              const rate = () => words("[data-testid=rate]");
              const seen = [];
              show("classified", "uploading", "queued");
              seen.push(document.title, rate());
              now = 5_000;
              for (let i = 0; i < 20; i++) summary.countFinished();
              now = 10_001;
              show("classified", "rejected", "queued");
              seen.push(words("#announcer"), rate());
              now = 20_000;
              show("classified", "rejected", "queued");
              seen.push(rate());
              show("classified", "rejected", "classified");
              seen.push(document.title, rate(), words("#announcer"));
              performance.now = realNow;
              return seen;
            }
            """));

    /// <summary>Of 301 thumbnails 300 are kept, among them the first one, because it is used again.</summary>
    private static async Task AssertFewThumbnailsAreKeptAsync(IPage page, byte[] picture)
    {
        var counts = await page.EvaluateAsync<int[]>(
            """
            async (bytes) => {
              const { forgetThumbnail, showThumbnail } = await import("/pictures/thumbnails.js?another");
              const file = new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], "a.png");
              const pictures = Array.from({ length: 301 }, () => ({ file }));
              const frames = pictures.map(() => document.createElement("div"));
              const hasImage = (frame) => frame.querySelector("img") !== null;
              const show = async (from, to) => {
                for (let i = from; i < to; i++) showThumbnail(frames[i], pictures[i]);
                while (!frames.slice(from, to).every(hasImage)) await new Promise((resolve) => setTimeout(resolve, 10));
              };
              const before = thumbnails.size;
              await show(0, 300);
              await show(0, 1);
              await show(300, 301);
              const kept = thumbnails.size - before;
              showThumbnail(frames[0], pictures[0]);
              const isFirstKept = hasImage(frames[0]);
              pictures.forEach(forgetThumbnail);
              return [kept, Number(isFirstKept), thumbnails.size - before];
            }
            """,
            Convert.ToBase64String(picture)).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal([300, 1, 0], counts);
    }
}
