// Starts fauxqs on a free port of loopback, and writes the port as one line. Ends when its standard input ends, so it
// never outlives its parent. fauxqs's own command line would listen on all interfaces.
import { buildApp } from "fauxqs";
// Not exported by the package.
import { SqsStore } from "./node_modules/fauxqs/dist/sqs/sqsStore.js";

const sqsStore = new SqsStore();
const app = buildApp({ logger: false, stores: { sqsStore } });

// fauxqs sees that a visibility timeout is over only when somebody receives. SQS counts the message as visible then, which
// is how the scaler learns of it when no node is left.
setInterval(() => sqsStore.processAllTimers(), 100).unref();

// fauxqs ignores If-None-Match. S3 refuses a conditional write if there is an object (412), or if another write of the
// same key is under way (409).
const error = (code) => `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`;
const underWay = new Set();

app.addHook("preHandler", async (request, reply) => {
  if (request.method !== "PUT" || request.headers["if-none-match"] !== "*") return;
  const key = request.url.split("?")[0];
  if (underWay.has(key)) return reply.code(409).type("application/xml").send(error("ConditionalRequestConflict"));
  underWay.add(key);
  request.conditionalKey = key;
  const head = await app.inject({ method: "HEAD", url: key, headers: { host: "127.0.0.1" } });
  if (head.statusCode === 200) return reply.code(412).type("application/xml").send(error("PreconditionFailed"));
});
app.addHook("onResponse", async (request) => {
  underWay.delete(request.conditionalKey);
});

await app.listen({ port: 0, host: "127.0.0.1" });
console.log(app.server.address().port);

process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
