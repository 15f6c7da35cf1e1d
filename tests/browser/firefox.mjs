// The browser extension in Firefox, against the real daemon: it pairs, and the brightness follows a full-screen video though the
// background page is ended all the time.
//
// usage: node firefox.mjs DIRECTORY BINDIR      as for extension.mjs; needs firefox-esr

import assert from "node:assert/strict";
import path from "node:path";
import { until } from "./desk.mjs";
import { KdeDesk, built, serve } from "./extension_stage.mjs";
import { Firefox } from "./marionette.mjs";

const work = path.join(process.argv[2], "firefox");
// The address of the extension's pages, which is another one in each profile unless it is said.
const UUID = "6d1c3f6e-52a6-4a0b-9d0e-5b1f6b6f7a01";
const own = (name) => `moz-extension://${UUID}/${name}`;

const pages = await serve();
const desk = await KdeDesk.open(path.join(work, "desk"), process.argv[3]);
const firefox = await Firefox.open(path.join(work, "profile"), {
  "extensions.webextensions.uuids": JSON.stringify({ "extension@deskconn.org": UUID }),
  // The user says yes to the question about sites.
  "extensions.webextOptionalPermissionPrompts": false,
  // A background page without work is ended after this time, in milliseconds, and not after half a minute.
  "extensions.background.idle.timeout": 3000,
  // Without a screen no window ever becomes full screen.
  "full-screen-api.ignore-widgets": true,
  "full-screen-api.transition-duration.enter": "0 0",
  "full-screen-api.transition-duration.leave": "0 0",
  "full-screen-api.warning.timeout": 0,
});

async function says(selector, words) {
  await until(`${selector} says ${words}`, async () => (await firefox.text(selector)).includes(words));
}

const isFull = () => firefox.evaluate("document.fullscreenElement !== null");

async function enter() {
  await firefox.click("body");
  await until("it is full screen", isFull);
}

async function leave() {
  await firefox.evaluate("void document.exitFullscreen()");
  await until("it is not full screen any more", async () => !(await isFull()));
}

try {
  await firefox.install(built("firefox"));
  await firefox.follow(own("options.html"));
  await firefox.type("#address", desk.address);
  const { code, paired } = await desk.pairing();
  await firefox.type("#code", code);
  await firefox.click("#do-pair");
  const device = await paired;
  assert.deepEqual([device.kind, device.name], ["ext", "Firefox extension"]);
  await says("#desktop", "Paired with Desk");
  await firefox.type("#site", "127.0.0.1");
  await firefox.click("#adding button");
  await says("#sites", "127.0.0.1");
  await until("the site is allowed", async () => !(await firefox.text("#sites")).includes("Allow"));
  console.log("ok   Firefox: it pairs by the code, as an extension");

  for (const name of ["/video", "/around", "/shadow"]) {
    await firefox.go(pages.address(name));
    await enter();
    await desk.becomes(100);
    // With the background page its connection ends.
    await until("the background page is ended", () => desk.ctl("devices", "list")[0].sessions === 0);
    await leave();
    await desk.becomes(40);
  }
  console.log("ok   Firefox: a video in full screen raises the brightness, which returns");

  await firefox.go(own("popup.html"));
  await says("#status", "Connected to Desk");
  await desk.move("panel", 55);
  await says("#percent", "55 %");
  await firefox.click("#lock");
  await until("the desktop is locked", async () => (await desk.shown()).locked);
  console.log("ok   Firefox: the popup shows the brightness and locks");
} finally {
  await firefox.close();
  await desk.stop();
  pages.stop();
}
