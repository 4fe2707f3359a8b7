// Hashes files beside the page, which would stand still meanwhile.

import { sha256 } from "./sha256.js";

addEventListener("message", ({ data: { bytes, port } }) => port.postMessage(sha256(bytes)));
