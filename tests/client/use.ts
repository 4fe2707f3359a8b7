// Uploads with the generated client, follows the events, and reads the batch. It is compiled with the client, strictly.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { client } from "./generated/client.gen";
import { getBatch, getEvents, uploadBatch } from "./generated/sdk.gen";
import type { Batch } from "./generated/types.gen";

export async function use(server: string, key: string, files: string[]): Promise<Batch> {
  client.setConfig({ baseUrl: server, auth: (scheme) => (scheme.scheme === "bearer" ? undefined : key) });
  const pictures = await Promise.all(files.map(async (file) => new File([new Uint8Array(await readFile(file))], basename(file))));
  const accepted = await uploadBatch({
    body: { files: pictures },
    headers: { "Idempotency-Key": crypto.randomUUID() },
    throwOnError: true,
  });
  const batchId = accepted.data.batchId;
  const events = await getEvents({ path: { batchId } });
  for await (const event of events.stream) if (event?.type === "complete") break;
  return (await getBatch({ path: { batchId }, throwOnError: true })).data;
}
