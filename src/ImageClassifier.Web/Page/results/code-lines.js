// Ready lines for curl, Python and JavaScript that use this very server, and read the newest batch of the page.

import { batchesAddress } from "../service/api.js";

const KEY_NOTE = "KEY";

export class CodeLines {
  #root = byId("code-lines");
  #shown = "";

  /** @param {(text: string) => void} announce */
  constructor(announce) {
    for (const copy of this.#root.querySelectorAll("button")) {
      copy.addEventListener("click", () => copyCode(copy, announce));
    }
  }

  /** @param {string | undefined} batchId @param {boolean} needsKey */
  show(batchId, needsKey) {
    const state = `${batchId} ${needsKey}`;
    if (state === this.#shown) return;
    this.#shown = state;
    byId("code-curl").textContent = curl(batchId, needsKey);
    byId("code-python").textContent = python(batchId, needsKey);
    byId("code-javascript").textContent = javascript(batchId, needsKey);
  }
}

/** @param {HTMLButtonElement} button @param {(text: string) => void} announce */
async function copyCode(button, announce) {
  const code = byId(button.dataset.code ?? "");
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = "Copied";
    announce("The lines were copied.");
    setTimeout(() => (button.textContent = "Copy"), 2_000);
  } catch {
    getSelection()?.selectAllChildren(code); // A page served over plain HTTP has no clipboard.
    announce("The lines are selected.");
  }
}

/** @param {string | undefined} batchId @param {boolean} needsKey */
function curl(batchId, needsKey) {
  const header = needsKey ? ` -H "X-Api-Key: $${KEY_NOTE}"` : "";
  const send = `curl${header} -F a=@cat.jpg -F b=@dog.png ${batchesAddress()}`;
  const lines = ["# Send pictures. The answer has the batch's id.", send];
  if (batchId) {
    const batch = `${batchesAddress()}/${batchId}`;
    lines.push("", "# Read this page's newest batch, and follow its results.", `curl ${batch}`, `curl -N ${batch}/events`);
  }
  return lines.join("\n");
}

/** @param {string | undefined} batchId @param {boolean} needsKey */
function python(batchId, needsKey) {
  const headers = needsKey ? `, headers={"X-Api-Key": os.environ["${KEY_NOTE}"]}` : "";
  return [
    `import ${needsKey ? "os, " : ""}time, requests  # pip install requests`,
    "",
    `url = "${batchesAddress()}"`,
    ...(batchId
      ? [`batch = "${batchId}"`]
      : [`batch = requests.post(url, files=[("files", open("cat.jpg", "rb"))]${headers}).json()["batchId"]`]),
    "while True:",
    '    jobs = requests.get(f"{url}/{batch}").json()["jobs"]',
    '    if not any(job["status"] == "queued" for job in jobs): break',
    "    time.sleep(1)",
    "for job in jobs:",
    '    print(job["fileName"], job["status"], *(p["label"] for p in job.get("predictions", [])[:1]))',
  ].join("\n");
}

/** @param {string | undefined} batchId @param {boolean} needsKey */
function javascript(batchId, needsKey) {
  const headers = needsKey ? `, headers: { "X-Api-Key": process.env.${KEY_NOTE} }` : "";
  return [
    ...(batchId
      ? [`const batch = "${batchId}";`]
      : [
          'import { openAsBlob } from "node:fs";',
          "const body = new FormData();",
          'body.append("files", await openAsBlob("cat.jpg"), "cat.jpg");',
          `const sent = await fetch("${batchesAddress()}", { method: "POST", body${headers} });`,
          "const batch = (await sent.json()).batchId;",
        ]),
    "let jobs;",
    "for (;;) {",
    `  const answer = await fetch(\`${batchesAddress()}/\${batch}\`);`,
    "  jobs = (await answer.json()).jobs;",
    '  if (!jobs.some((job) => job.status === "queued")) break;',
    "  await new Promise((resolve) => setTimeout(resolve, 1000));",
    "}",
    'for (const job of jobs) console.log(job.fileName, job.status, job.predictions?.[0]?.label ?? "");',
  ].join("\n");
}

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
