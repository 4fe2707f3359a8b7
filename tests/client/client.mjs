// Generates a client from the API's description, compiles it, and prints the batch that it uploaded and read:
//   KEY=… node client.mjs OPENAPI_JSON SERVER FOLDER PICTURE…
import { createClient } from "@hey-api/openapi-ts";
import { copyFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = dirname(fileURLToPath(import.meta.url));
const [description, server, folder, ...pictures] = process.argv.slice(2);

// The tool takes one kind of body for a call, and would prefer JSON to the form with the files.
const onlyForm = (call) => delete call.requestBody.content["application/json"];

await createClient({
  input: description,
  parser: { patch: { operations: { "POST /api/batches": onlyForm } } },
  output: join(folder, "generated"),
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
  logs: { level: "silent" },
});
await copyFile(join(here, "use.ts"), join(folder, "use.ts"));
await writeFile(join(folder, "package.json"), JSON.stringify({ type: "commonjs" }));

const program = ts.createProgram([join(folder, "use.ts")], {
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  typeRoots: [join(here, "node_modules", "@types")],
  types: ["node"],
});
const { diagnostics } = program.emit();
const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (faults.length > 0) throw new Error(ts.formatDiagnostics(faults, ts.createCompilerHost({})));

const { use } = createRequire(import.meta.url)(join(folder, "use.js"));
console.log(JSON.stringify(await use(server, process.env.KEY, pictures)));
