// Pairs with a desktop by code, then calls, subscribes and registers there from anywhere, in JavaScript with
// @deskconn/client on Node. Loses the connection and finds it again by itself.
//
// usage: node remote.mjs HOST:PORT FILE      FILE keeps what pairing gives; without it the code is asked for

import fs from "node:fs";
import readline from "node:readline/promises";
import { Desktop, pairWith, parseCode } from "@deskconn/client";
import WebSocket from "ws";

const [address, file] = process.argv.slice(2);
const [, host, port] = /^\[?([^\]]+)\]?:(\d+)$/.exec(address);

async function pair() {
  console.log("code:");
  const terminal = readline.createInterface({ input: process.stdin });
  const code = parseCode(await terminal.question(""));
  terminal.close();
  if (!code) throw new Error("a code has eight digits, like 1234-5678");
  // The keys in it are the device: nobody else may read the file.
  const keep = (membership) => fs.writeFileSync(file, JSON.stringify(membership), { mode: 0o600 });
  return pairWith({ host, port: Number(port) }, { secret: { code }, name: "remote.mjs", kind: "lib", keep, WebSocket });
}

const membership = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, "utf8")) : await pair();
const desktop = new Desktop(membership, { address: { host, port: Number(port) }, WebSocket });
desktop.subscribe("org.deskconn.app.news", ({ args }) => console.log("news:", args[0]));
desktop.register("org.deskconn.app.greet", ([name]) => `Hello, ${name}!`);
desktop.onStatus(async (status) => {
  if (status.at !== "open") return "reason" in status && console.log(status.reason);
  const { args } = await desktop.call("org.deskconn.info.get");
  console.log(`joined ${args[0].name} as ${args[0].role}`);
  console.log("ready");
});
// Without a goodbye the desktop would keep the session for two minutes, and let callers wait.
process.once("SIGTERM", () => desktop.close());
