// Builds dist/chromium and dist/firefox: the same files, each with its manifest.
//
// usage: node build.mjs      the client is built already

import fs from "node:fs";
import { build } from "vite";
import { TARGETS, manifest } from "./manifest.mjs";

const { version } = JSON.parse(fs.readFileSync("package.json", "utf8"));
const common = { configFile: false, logLevel: "warn", root: import.meta.dirname };
const shared = { target: "es2023", modulePreload: false, sourcemap: false, emptyOutDir: false, outDir: "dist/files" };

fs.rmSync("dist", { recursive: true, force: true });
await build({
  ...common,
  publicDir: "static",
  build: {
    ...shared,
    rollupOptions: {
      input: { background: "src/background.ts", popup: "popup.html", options: "options.html" },
      output: { entryFileNames: "[name].js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
});
// A script in a page is no module: it has everything in one file.
await build({
  ...common,
  publicDir: false,
  build: { ...shared, rollupOptions: { input: "src/content.ts", output: { format: "iife", entryFileNames: "content.js" } } },
});
for (const target of TARGETS) {
  fs.cpSync("dist/files", `dist/${target}`, { recursive: true });
  fs.writeFileSync(`dist/${target}/manifest.json`, `${JSON.stringify(manifest(target, version), null, 2)}\n`);
}
fs.rmSync("dist/files", { recursive: true });
