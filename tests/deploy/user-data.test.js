// Runs the web tier's user data in a real shell, with real curl and a real server. Stand-ins replace what only a
// machine of the stack has.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readTemplate } from "./cloudformation.js";

const file = join(import.meta.dirname, "..", "..", "deploy", "cloudformation", "image-classifier.yaml");
const { WebLaunchTemplate } = readTemplate(readFileSync(file, "utf8")).Resources;
const image = join(import.meta.dirname, "..", "..", "deploy", "image");
const [userData] = WebLaunchTemplate.Properties.LaunchTemplateData.UserData["Fn::Base64"]["Fn::Sub"];

describe("the web tier's user data", () => {
  let folder, server, isReady, address;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "user-data-"));
    address = "10.80.32.7";
    server = createServer((request, response) => {
      if (request.url.startsWith("/latest/")) return metadata(request, response);
      response.statusCode = request.url === "/health/ready" && isReady() ? 200 : 503;
      response.end();
    });
    await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
    standIn("aws", 'echo "$*" >> "$FOLDER/signals"');
    standIn("cloud-init", "echo i-0123456789abcdef0");
    standIn("journalctl", "echo the log of the service");
    standIn("sleep", "");
    service({ hasFailed: false });
  });

  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  it("signals success once the service is ready, and not before", async () => {
    let looks = 0;
    isReady = () => ++looks > 3;
    const { code } = await run();
    assert.equal(code, 0);
    assert.equal(looks, 4);
    assert.deepEqual(signals(), ["SUCCESS"]);
  });

  it("names the machine, its group and its stack", async () => {
    isReady = () => true;
    await run();
    assert.equal(readFileSync(join(folder, "signals"), "utf8"),
      "cloudformation signal-resource --region AWS::Region --stack-name AWS::StackName "
        + "--logical-resource-id WebGroup --unique-id i-0123456789abcdef0 --status SUCCESS\n");
  });

  it("signals failure at once when the service has stopped for good, and shows its log", async () => {
    isReady = () => false;
    service({ hasFailed: true });
    const { code, output } = await run();
    assert.equal(code, 1);
    assert.match(output, /the log of the service/);
    assert.deepEqual(signals(), ["FAILURE"]);
  });

  it("signals failure when the service is not ready in time", async () => {
    isReady = () => false;
    assert.match(userData, /SECONDS > 300/);
    const { code } = await run(userData.replace("SECONDS > 300", "SECONDS >= 1"));
    assert.equal(code, 1);
    assert.deepEqual(signals(), ["FAILURE"]);
  });

  it("signals failure when the settings cannot be written", async () => {
    isReady = () => true;
    writeFileSync(join(folder, "settings"), "a file where the folder should be");
    const { code } = await run();
    assert.notEqual(code, 0);
    assert.deepEqual(signals(), ["FAILURE"]);
  });

  it("succeeds if nothing waits for the signal, as on a machine that the group replaced", async () => {
    isReady = () => true;
    standIn("aws", "exit 254");
    const { code, output } = await run();
    assert.equal(code, 0);
    assert.match(output, /Nothing waits for the signal SUCCESS/);
  });

  it("makes one of several web nodes a member of the cluster, by its own private address", async () => {
    isReady = () => true;
    const { code } = await run(userData.replace("${IsCluster}", "yes"));
    assert.equal(code, 0);
    assert.deepEqual(clusterSettings(), ["ENABLED=on", "DISCOVERY=ec2", "HOST=10.80.32.7"]);
    assert.deepEqual(signals(), ["SUCCESS"]);
  });

  it("does not make a single web node a member of a cluster", async () => {
    isReady = () => true;
    await run(userData.replace("${IsCluster}", "no"));
    assert.deepEqual(clusterSettings(), []);
  });

  it("signals failure when one of several web nodes cannot learn its address", async () => {
    isReady = () => true;
    address = undefined;
    const { code } = await run(userData.replace("${IsCluster}", "yes"));
    assert.notEqual(code, 0);
    assert.deepEqual(signals(), ["FAILURE"]);
  });

  // The metadata service, version 2.
  function metadata(request, response) {
    const isToken = request.method === "PUT" && request.url === "/latest/api/token";
    const isAddress = request.url === "/latest/meta-data/local-ipv4"
      && request.headers["x-aws-ec2-metadata-token"] === "T==";
    response.statusCode = isToken || (isAddress && address) ? 200 : 404;
    response.end(isToken ? "T==" : isAddress ? address : "");
  }

  function clusterSettings() {
    const text = readFileSync(join(folder, "settings", "environment"), "utf8");
    return [...text.matchAll(/^IMAGE_CLASSIFIER__WEB__CLUSTER__(.*)$/gm)].map(([, setting]) => setting);
  }

  // Each name of the template is its own value.
  function run(text = userData) {
    const script = text.replaceAll(/\$\{([^}]+)\}/g, "$1")
      .replaceAll("/etc/image-classifier", join(folder, "settings"))
      .replaceAll("/opt/image-classifier/image", image)
      .replaceAll("127.0.0.1:5000", `127.0.0.1:${server.address().port}`);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, FOLDER: folder, NO_PROXY: "127.0.0.1",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${server.address().port}` };
    return new Promise((resolve) => execFile("bash", ["-c", script], { env },
      (failure, stdout, stderr) => resolve({ code: failure?.code ?? 0, output: stdout + stderr })));
  }

  function signals() {
    const sent = join(folder, "signals");
    if (!existsSync(sent)) return [];
    return [...readFileSync(sent, "utf8").matchAll(/--status (\w+)/g)].map(([, status]) => status);
  }

  function service({ hasFailed }) {
    standIn("systemctl", `[[ $1 == enable ]] || exit ${hasFailed ? 0 : 1}`);
  }

  function standIn(name, text) {
    writeFileSync(join(folder, name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
});
