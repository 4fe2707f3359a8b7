// The image is made as on AWS: by the real scripts on a temporary root, with moto for AWS.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  architecture, image, inRoot, pack, pythonTools, reasonToSkip, run, sharedFolder, startMoto, unpack,
} from "./machine/machine.js";

const skip = reasonToSkip();
const folders = [];
const newFolder = (distribution) => {
  folders.push(sharedFolder(distribution));
  return folders.at(-1);
};
const calls = (folder) => readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n");
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe("make-ami.sh refuses before it creates anything", { skip }, () => {
  const makeAmi = (...args) => run([join(image, "make-ami.sh"), ...args], { env: { PATH: process.env.PATH } });
  const complete = (archive) => ["--package", archive, "--bucket", "b", "--subnet", "subnet-1"];

  it("an option without its value, and an unknown option", async () => {
    for (const [args, complaint] of [
      [["--package"], /^--package has no value\.$/m],
      [["--colour", "blue"], /^There is no option --colour\.$/m],
      [["--package", "/nowhere", "--bucket", "b", "--subnet", "s"], /^There is no file \/nowhere\./m],
      [[], /are needed/],
      [[...complete("/bin/true"), "--architecture", "sparc"], /^--architecture is x86_64 or arm64/m],
    ]) {
      const { code, complaints } = await makeAmi(...args);
      assert.equal(code, 2, complaints);
      assert.match(complaints, complaint);
      assert.match(complaints, /^Usage: make-ami\.sh/m);
    }
  });

  it("a file that is no package, and a program for another processor", async () => {
    const other = architecture === "arm64" ? "x86_64" : "arm64";
    const archive = pack(newFolder());
    for (const [args, complaint] of [
      [complete("/bin/true"), /no package/],
      [[...complete(archive), "--architecture", other], /another processor than/],
    ]) {
      const { code, complaints } = await makeAmi(...args);
      assert.equal(code, 1, complaints);
      assert.match(complaints, complaint);
    }
  });
});

describe("make-ami.sh", { skip }, () => {
  let moto;
  let subnet;
  before(async () => {
    moto = await startMoto();
    [{ SubnetId: subnet }] = (await moto.aws("ec2", "describe-subnets")).Subnets;
    await moto.aws("s3api", "create-bucket", "--bucket", "packages", "--create-bucket-configuration",
      "LocationConstraint=eu-central-1");
  });
  after(() => moto?.stop());

  const makeAmi = (folder, archive, { name, here = pythonTools, options = [], ...env }) => run([
    join(image, "make-ami.sh"), "--package", archive, "--bucket", "packages", "--subnet", subnet,
    "--architecture", architecture, "--name", name, ...options], { env: {
    ...moto.env, ...env, SHARED: folder, MAKE_AMI_PAUSE: "0",
    PATH: `${join(import.meta.dirname, "machine")}:${here}:${process.env.PATH}` } });
  const machines = async (name) => (await moto.aws("ec2", "describe-instances", "--filters",
    `Name=tag:Name,Values=${name}-build`)).Reservations.flatMap(({ Instances }) => Instances);
  const nothingIsLeft = async (name) => {
    assert.deepEqual((await machines(name)).map(({ State }) => State.Name), ["terminated"]);
    assert.equal((await moto.aws("s3api", "list-objects-v2", "--bucket", "packages"))?.Contents, undefined);
  };

  it("makes an image of a machine without an identity, and leaves nothing else", async () => {
    const folder = newFolder();
    const archive = pack(folder);
    const made = await makeAmi(folder, archive, { name: "good", options: ["--deployment", "pics"] });
    assert.equal(made.code, 0, made.complaints);
    const [taken] = (await moto.aws("ec2", "describe-images", "--owners", "self")).Images;
    assert.equal(made.output, `${taken.ImageId}\n`);
    // The stand-ins of EC2, kernel and program say how long they take; only the program takes some time of its own.
    assert.match(made.complaints, new RegExp("^From launch to the first poll: at least 11\\d\\.\\d s "
      + "\\(EC2 5 s, boot 7\\.8 s, program 10\\d\\.\\d s\\), measured on this t[34]g?\\.small\\.$", "m"));
    await nothingIsLeft("good");
    const tagsOf = ({ Tags = [] }) => Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
    const built = { Name: "good-build", "image-classifier:deployment": "pics" };
    const kept = { Name: "good", "image-classifier:deployment": "pics" };
    assert.deepEqual((await machines("good")).map(tagsOf), [built]);
    const { Tags } = await moto.aws("ec2", "describe-tags", "--filters", "Name=resource-type,Values=volume");
    assert.deepEqual(tagsOf({ Tags }), built);
    assert.deepEqual(tagsOf(taken), kept);
    const [snapshot] = (await moto.aws("ec2", "describe-snapshots", "--snapshot-ids",
      taken.BlockDeviceMappings[0].Ebs.SnapshotId)).Snapshots;
    assert.deepEqual(tagsOf(snapshot), kept);
    assert.deepEqual(calls(folder), [
      "shutdown -h +40",
      "dnf --assumeyes --quiet upgrade --releasever=latest",
      "dnf --assumeyes --quiet install --releasever=latest ca-certificates curl-minimal libstdc++ openssl-libs zlib polkit"
        + " awscli-2 jq amazon-ssm-agent",
      "systemctl enable amazon-ssm-agent.service",
      "systemctl daemon-reload",
      "cloud-init clean --logs",
      "systemctl cat amazon-ssm-agent.service",
      "systemctl stop amazon-ssm-agent.service",
      "shutdown -h now",
    ]);

    // The second time, the image exists already.
    const again = await makeAmi(folder, archive, { name: "good" });
    assert.deepEqual([again.code, again.output], [0, made.output]);
    assert.equal((await machines("good")).length, 1);
  });

  it("shows the console of a machine on which a step failed, and leaves nothing", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "stand-ins", "dnf"), "#!/bin/bash\necho 'Cannot reach the packages' >&2\nexit 1\n");
    const made = await makeAmi(folder, pack(folder), { name: "bad" });
    assert.equal(made.code, 1);
    assert.match(made.complaints, /A step on i-[0-9a-f]+ failed\.[^]*Cannot reach the packages/);
    assert.equal(made.output, "");
    assert.equal(calls(folder).at(-1), "shutdown -h now");
    await nothingIsLeft("bad");
  });

  it("makes the image and says the reason if the start cannot be measured", async () => {
    const folder = newFolder();
    const archive = pack(folder);
    writeFileSync(join(folder, "stand-ins", "node"), "#!/bin/bash\necho 'Cannot load the model' >&2\nexit 1\n");
    // Stubs instead of moto, which would take seconds.
    const here = join(folder, "here");
    mkdirSync(here);
    writeFileSync(join(here, "curl"), "#!/bin/bash\necho 206\n", { mode: 0o755 });
    writeFileSync(join(here, "aws"), `#!/bin/bash
      case "$1 $2" in
        "s3 presign") echo file:///shared/package.tar.gz ;;
        "ec2 run-instances") echo i-1 2026-01-01T00:00:00Z ;;
        "ec2 describe-instances") echo stopped 2026-01-01T00:00:00Z None ;;
        "ec2 create-image") touch ${here}/image; echo ami-1 ;;
        "ec2 describe-images") if [[ -e ${here}/image ]]; then echo available None; else echo None; fi ;;
      esac
    `, { mode: 0o755 });
    const made = await makeAmi(folder, archive, { name: "unmeasured", here });
    assert.deepEqual([made.code, made.output], [0, "ami-1\n"], made.complaints);
    assert.match(made.complaints, /^The time from launch to the first poll could not be measured\. .*Cannot load the model$/m);
  });

  it("reports it when EC2 terminates the machine, and leaves nothing", async () => {
    const folder = newFolder();
    writeFileSync(join(folder, "stand-ins", "dnf"), "#!/bin/bash\nkill -9 $PPID\n");
    const made = await makeAmi(folder, pack(folder), { name: "ended", MACHINE_END: "terminate" });
    assert.equal(made.code, 1);
    assert.match(made.complaints, /EC2 ended i-[0-9a-f]+: /);
    await nothingIsLeft("ended");
  });

  it("starts no machine that could not read the package", async () => {
    const folder = newFolder();
    const archive = pack(folder);
    // S3's answer if the bucket is in another region.
    mkdirSync(join(folder, "here"));
    writeFileSync(join(folder, "here", "curl"), "#!/bin/bash\necho 301\n", { mode: 0o755 });
    const made = await makeAmi(folder, archive, { name: "unread", here: join(folder, "here") });
    assert.equal(made.code, 1);
    assert.match(made.complaints, /^S3 answers 301 .*Take a bucket in the/m);
    assert.deepEqual(await machines("unread"), []);
  });
});

describe("provision", { skip }, () => {
  it("does the same on Debian, and again on a machine that has the image", async () => {
    const folder = newFolder("debian");
    unpack(folder);
    const { code, complaints, output } = await inRoot(folder, "bash", "-ec", `
      echo old > /var/lib/dbus/machine-id
      echo key > /etc/ssh/ssh_host_rsa_key
      mkdir -p /var/lib/amazon/ssm /var/log/journal/0123 && touch /var/lib/amazon/ssm/registration
      /shared/package/image/provision
      echo leftover > /opt/image-classifier/program/leftover
      echo settings > /etc/image-classifier/environment
      /shared/package/image/provision
      /shared/package/image/forget-machine
      [[ ! -e /opt/image-classifier/program/leftover && ! -e /etc/image-classifier/environment ]]
      [[ -e /etc/machine-id && ! -s /etc/machine-id && ! -e /var/lib/dbus/machine-id ]]
      [[ ! -e /etc/ssh/ssh_host_rsa_key && ! -e /var/lib/amazon/ssm && -z $(ls /var/log/journal) ]]
      id --name --user image-classifier
      systemd-analyze verify /etc/systemd/system/image-classifier-*.service 2>&1
    `);
    assert.equal(code, 0, complaints);
    assert.match(output, /image-classifier\n$/);
    assert.ok(calls(folder).includes("apt-get upgrade --yes --quiet"));
  });
});
