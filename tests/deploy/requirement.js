// A tool that a check needs. If it is missing, the check is skipped with the reason. With
// IMAGE_CLASSIFIER_REQUIRE_ALL=1, as in CI, the check fails instead.
import { spawnSync } from "node:child_process";

/** The reason to skip, or false where the command ends well. */
export function unmet(reason, command, ...args) {
  const { status } = spawnSync(command, args, { stdio: "ignore" });
  if (status === 0) return false;
  if (process.env.IMAGE_CLASSIFIER_REQUIRE_ALL === "1") throw new Error(`A required tool is missing: ${reason}`);
  return reason;
}
