// Scalar shows the description of the API. Nothing comes from another host, and nothing goes to one.

// A part of Scalar tries to compile code from text, unless it is told not to. The policy of the page forbids that.
globalThis.__zod_globalConfig = { jitless: true };

const scalar = document.createElement("script");
scalar.src = "scalar.js";
scalar.addEventListener("load", () => Scalar.createApiReference("#api", {
  url: new URL("../openapi.json", location.href).href,
  withDefaultFonts: false,
  telemetry: false,
  // Scalar's proxy, its own client, its assistant and its toolbar are on other hosts.
  proxyUrl: "",
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
}));
document.head.append(scalar);
