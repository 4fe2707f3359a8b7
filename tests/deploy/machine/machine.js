// A machine to install the image on (a temporary root file system), and AWS for it (moto_server).
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unmet } from "../requirement.js";

// Users without rights must read these files, whatever umask this process has.
process.umask(0o022);

const here = import.meta.dirname;
export const image = join(here, "..", "..", "..", "deploy", "image");
export const architecture = process.arch === "arm64" ? "arm64" : "x86_64";
/** Where Python's packages put their programs: the AWS CLI starts faster from there than by a version manager. */
export const pythonTools = pythonPrefix();
const asRoot = process.getuid() === 0 ? [] : ["sudo", "--non-interactive", "--preserve-env"];

/** Why these tests cannot run here, or false. Tools can be installed; what the kernel forbids cannot. */
export function reasonToSkip() {
  const missing = unmet("the AWS CLI, moto_server, jq or unshare is missing",
    "which", "aws", "moto_server", "jq", "unshare");
  if (missing) return missing;
  try {
    const folder = mkdtempSync(join(tmpdir(), "machine-"));
    run([join(here, "in-throwaway-root"), folder, "true"], { sync: true });
    rmSync(folder, { recursive: true });
    return false;
  } catch (failure) {
    return `no root file system of its own is allowed here: ${failure.message}`;
  }
}

/** Runs a program to its end: { code, output, complaints }. */
export function run([program, ...args], { env = {}, sync = false } = {}) {
  const isRoot = program.endsWith("in-throwaway-root") ? asRoot : [];
  const [command, ...rest] = [...isRoot, program, ...args];
  const options = { env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
  if (sync) return execFileSync(command, rest, { ...options, stdio: "pipe" });
  return new Promise((resolve) => execFile(command, rest, options, (failure, output, complaints) =>
    resolve({ code: failure ? failure.code ?? failure.signal : 0, output, complaints })));
}

/** A folder that a throw-away root sees as /shared, with stand-ins for the tools of a distribution. */
export function sharedFolder(distribution = "amazon-linux") {
  const folder = mkdtempSync(join(tmpdir(), "machine-"));
  for (const part of ["common", distribution]) {
    cpSync(join(here, part), join(folder, "stand-ins"), { recursive: true });
  }
  chmodSync(folder, 0o755);
  return folder;
}

/** A package as build-package makes it, around a script, or around a copy of bash: it has a version, and its verb "node" is
 * the script of this name on the path. */
export function unpack(folder, script) {
  mkdirSync(join(folder, "package", "program"), { recursive: true });
  const program = join(folder, "package", "program", "image-classifier");
  if (script) writeFileSync(program, script);
  else copyFileSync("/bin/bash", program);
  chmodSync(program, 0o755);
  cpSync(image, join(folder, "package", "image"), { recursive: true });
}

/** The package in one file. */
export function pack(folder) {
  unpack(folder);
  const archive = join(folder, "package.tar.gz");
  execFileSync("tar", ["--create", "--gzip", "--file", archive, "--directory", join(folder, "package"), "program", "image"]);
  return archive;
}

/** Boots a copy of this machine, whose first unit runs the script; returns when it powers itself off. */
export async function boot(folder, script, settings) {
  const variables = Object.entries(settings).filter(([name]) => name !== "PATH").map(([name, value]) => `"${name}=${value}"`);
  writeFileSync(join(folder, "manager.conf"), `[Manager]\nDefaultEnvironment=${variables.join(" ")}\n`);
  writeFileSync(join(folder, "first"), script);
  writeFileSync(join(folder, "boot.service"), `[Unit]
Description=What the test does
Wants=dbus.socket systemd-journald.service
After=dbus.socket
FailureAction=poweroff
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash -ex /shared/first
StandardOutput=append:/shared/first.log
StandardError=append:/shared/first.log
`);
  return inRoot(folder, "boot");
}

export function inRoot(folder, ...command) {
  return run([join(here, "in-throwaway-root"), folder, ...command]);
}

/** moto_server on a port that it chooses itself, so that no other server has it, and what the AWS CLI needs. */
export async function startMoto() {
  const server = spawn("moto_server", ["--host", "127.0.0.1", "--port", "0"],
    { stdio: ["ignore", "ignore", "pipe"], detached: true, env: { ...process.env, PYTHONUNBUFFERED: "1" } });
  const endpoint = await new Promise((resolve, reject) => {
    let said = "";
    server.stderr.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-4096);
      const running = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said);
      if (running) resolve(running[1]);
    });
    server.on("exit", () => reject(new Error(`moto_server ended: ${said}`)));
  });
  const env = {
    AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: "moto", AWS_SECRET_ACCESS_KEY: "moto", AWS_DEFAULT_REGION: "eu-central-1",
    AWS_REGION: "eu-central-1", AWS_EC2_METADATA_DISABLED: "true", PATH: `${pythonTools}:${process.env.PATH}`,
  };
  const aws = async (...args) => {
    const { code, output, complaints } = await run(["aws", ...args, "--output", "json"], { env });
    if (code !== 0) throw new Error(complaints);
    return output === "" ? undefined : JSON.parse(output);
  };
  return { endpoint, env, aws, stop: () => process.kill(-server.pid) };
}

/** The metadata service of one instance, by IMDSv2. */
export async function startMetadata(instance) {
  const known = { "/latest/meta-data/instance-id": instance, "/latest/meta-data/placement/region": "eu-central-1" };
  const server = createServer((request, response) => {
    const isToken = request.method === "PUT" && request.url === "/latest/api/token"
      && request.headers["x-aws-ec2-metadata-token-ttl-seconds"];
    const answer = isToken ? "T==" : request.headers["x-aws-ec2-metadata-token"] === "T==" && known[request.url];
    response.statusCode = answer ? 200 : 401;
    response.end(answer || "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { endpoint: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

function pythonPrefix() {
  try {
    return execFileSync("python3", ["-c", "import sys; print(sys.prefix + '/bin')"]).toString().trim();
  } catch {
    return "/usr/bin";
  }
}
