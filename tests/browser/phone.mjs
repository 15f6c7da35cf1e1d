// A page as a phone has it: from the desktop's own origin, over plain HTTP, in no secure context. It pairs by the link of
// the QR code and works inside Noise, with the TypeScript client as it is.
//
// usage: node phone.mjs DIRECTORY CLIENT BINDIR      as run.sh has set it up

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { launch } from "./stage.mjs";

const [work, client, bindir] = process.argv.slice(2);
const PORT = 5020;
const owner = ["--at", `unix:${work}/plain/run/deskconn.sock`, "--json"];
const call = (...words) => JSON.parse(execFileSync(`${bindir}/deskconnctl`, [...owner, "call", ...words])).args[0];

/** Where a module of the client stands. */
function file(specifier) {
  const inside = specifier.replace(/^wampy$/, "wampy/dist/esm/wampy.js");
  return inside.startsWith("client/") ? path.join(client, "dist/src", inside.slice(7)) : path.join(client, "../node_modules", inside);
}

/** A module with the names of packages turned into paths, as a bundler would. */
function module(specifier) {
  const text = fs.readFileSync(file(specifier), "utf8");
  return text.replace(/(from\s*['"])((?:@noble|wampy)[^'"]*)/g, "$1/modules/$2");
}

/** Opens a window, and allows the first device that asks. */
async function window() {
  const asked = spawn(`${bindir}/deskconnctl`, [...owner, "subscribe", "org.deskconn.pairing.on_asked", "--count", "1"]);
  await once(createInterface({ input: asked.stderr }), "line");
  const { link } = call("org.deskconn.pairing.open", "role=slides");
  const question = once(createInterface({ input: asked.stdout }), "line").then(([line]) => {
    const [question] = JSON.parse(line).args;
    call("org.deskconn.pairing.answer", String(question.request), "true");
    return question;
  });
  return { link, question };
}

/** What runs in the page. */
async function phone(link) {
  const { Identity, SUBPROTOCOL, noiseWebSocket, pairOver, parseLink } = await import("/modules/client/index.js");
  const { Wampy } = await import("/modules/wampy");
  const identity = Identity.generate();
  const socket = new WebSocket(`ws://${location.host}/pair`, SUBPROTOCOL);
  const joined = await pairOver(socket, {
    secret: { link: parseLink(link) },
    me: { identity, name: "a phone", kind: "web", want: "" },
    store: (joined) => localStorage.setItem("desktop", JSON.stringify(joined)),
  });
  const noise = noiseWebSocket({ secret: identity.noiseSecret, desktop: { noise: joined.keys.noise, did: joined.did } });
  const wampy = new Wampy(`ws://${location.host}/ws`, {
    realm: joined.realm,
    ws: noise,
    authid: joined.device_id,
    authmethods: ["cryptosign"],
    onChallenge: (_method, { challenge }) => identity.signChallenge(challenge),
  });
  await wampy.connect();
  const { argsList } = await wampy.call("org.deskconn.info.get");
  const denied = await wampy.call("org.deskconn.devices.list").then(() => "allowed", (error) => error.errorUri ?? error.details ?? String(error));
  await wampy.disconnect();
  const { fingerprint } = identity;
  return { joined, info: argsList[0], denied, fingerprint, isSecure: window.isSecureContext, hasSubtle: Boolean(crypto.subtle) };
}

const id = call("org.deskconn.info.get").id;
const host = `deskconn-${id.slice(0, 8)}.local`;
const browser = await launch(path.join(work, "phone-profile"), host, { viewport: { width: 360, height: 640 } });
try {
  const page = await browser.newPage();
  // The desktop has no page of its own yet: what it will serve comes from the disk, under its origin and its policy.
  await page.route("**/modules/**", (route) => {
    const specifier = decodeURIComponent(new URL(route.request().url()).pathname.slice("/modules/".length));
    return route.fulfill({ contentType: "text/javascript", body: module(specifier) });
  });
  await page.goto(`http://${host}:${PORT}/healthz`);
  const { link, question } = await window();
  const [got, asked] = await Promise.all([page.evaluate(phone, link), question]);
  assert.deepEqual([got.isSecure, got.hasSubtle], [false, false], "a phone on a local network has no more");
  assert.equal(asked.fingerprint, got.fingerprint);
  assert.deepEqual([asked.name, asked.kind], ["a phone", "web"]);
  assert.equal(got.info.role, "slides");
  assert.ok(got.info.procedures.every((uri) => uri.startsWith("org.deskconn.slides.")));
  assert.equal(got.denied, "wamp.error.not_authorized");
  const [device] = call("org.deskconn.devices.list");
  assert.equal(device.id, got.joined.device_id);
  // It is not trusted for ever: a page's keys are easier to lose.
  assert.equal(call("org.deskconn.devices.get", device.id).kind, "web");
  console.log("ok   a page in no secure context pairs by the link and works inside Noise");
} finally {
  await browser.close();
}
