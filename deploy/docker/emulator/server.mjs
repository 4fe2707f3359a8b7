// SQS and S3 in memory, for the other containers.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
await app.listen({ port: 4566, host: "0.0.0.0" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => app.close().then(() => process.exit(0)));
