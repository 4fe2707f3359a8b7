// Runs the image's units on a machine: a temporary root boots its own systemd, with moto for CloudWatch.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { boot, reasonToSkip, sharedFolder, startMetadata, startMoto, unpack } from "./machine/machine.js";

const skip = reasonToSkip();
const instance = "i-0123456789abcdef0";

// Makes the image with the real provision script. Only dnf is a stand-in; systemctl is the machine's own.
const install = `
  cp /shared/stand-ins/aws /usr/local/bin/
  printf '[Service]\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' \\
    > /etc/systemd/system/amazon-ssm-agent.service
  rm /shared/stand-ins/systemctl
  PATH=/shared/stand-ins:$PATH /shared/package/image/provision
`;

describe("a machine of the image", { skip }, () => {
  const folders = [];
  let moto;
  let metadata;
  before(async () => {
    [moto, metadata] = [await startMoto(), await startMetadata(instance)];
    for (const role of ["web", "node"]) await moto.aws("logs", "create-log-group", "--log-group-name", group(role));
  });
  after(() => {
    moto?.stop();
    metadata?.stop();
    folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
  });

  const group = (role) => `/image-classifier/image-classifier/${role}`;
  const logged = async (role) => (await moto.aws("logs", "get-log-events", "--log-group-name", group(role),
    "--log-stream-name", instance)).events.map(({ message }) => message);
  const start = async (program, script) => {
    const folder = sharedFolder();
    folders.push(folder);
    unpack(folder, program);
    const { complaints } = await boot(folder, install + script, { ...moto.env,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.endpoint });
    const read = (name) => readFileSync(join(folder, name), "utf8");
    return { console: read("console"), first: `${read("first.log")}${complaints}`, read };
  };

  it("powers off when its node fails, and the node's last lines are on the console and in the log group", async () => {
    const machine = await start(
      "#!/bin/bash\n[[ $1 == node ]] || exit 0\necho node $3 begins\necho last words >&2\nexit 3\n",
      "bash /shared/package/image/user-data/node.sh");
    assert.match(machine.console, /^image-classifier-node failed: exit-code \(exited 3\)\. Its last lines:$/m, machine.first);
    assert.match(machine.console, /^last words$/m);
    const lines = await logged("node");
    assert.ok(lines.includes(`node ${instance} begins`) && lines.includes("last words"), lines.join("\n"));
    assert.ok(lines.some((line) => line.includes("Failed with result 'exit-code'")), lines.join("\n"));
  });

  it("gives the program its settings, its user and its arguments in any shell", async () => {
    const machine = await start(
      "#!/bin/bash\ncase $1 in web) exec sleep infinity;; show) id -un; pwd; printf '%s\\n' \"$@\" \"$QUOTED\"; exit 7;; esac\n", `
      bash /shared/package/image/user-data/web.sh
      echo '# not a setting' >> /etc/image-classifier/environment
      echo 'QUOTED="two  words $HOME" ' >> /etc/image-classifier/environment
      code=0
      image-classifier show 'a  b' '$HOME' '' > /shared/shown < /dev/null || code=$?
      echo "code $code" >> /shared/shown
      code=0
      setpriv --reuid=nobody image-classifier show 2> /shared/refused || code=$?
      echo "code $code" >> /shared/refused
      systemctl is-enabled image-classifier-web amazon-ssm-agent
      systemctl stop image-classifier-web
      systemctl poweroff
    `);
    assert.equal(machine.read("shown"),
      "image-classifier\n/var/lib/image-classifier\nshow\na  b\n$HOME\n\ntwo  words $HOME\ncode 7\n", machine.first);
    assert.match(machine.read("refused"), /^Only root may read the settings. Run: sudo image-classifier show\ncode 2\n$/);
    assert.equal(machine.console, "");
    assert.ok((await logged("web")).some((line) => /^Stopped /.test(line)), (await logged("web")).join("\n"));
  });
});
