// A tool that a check needs. Where IMAGE_CLASSIFIER_REQUIRE_ALL=1 is set, as in CI, its absence is a failure; elsewhere
// the check is skipped, and says why.
import { spawnSync } from "node:child_process";

/** The reason to skip, or false where the command ends well. */
export function unmet(reason, command, ...args) {
  const { status } = spawnSync(command, args, { stdio: "ignore" });
  if (status === 0) return false;
  if (process.env.IMAGE_CLASSIFIER_REQUIRE_ALL === "1") throw new Error(`A required tool is missing: ${reason}`);
  return reason;
}
