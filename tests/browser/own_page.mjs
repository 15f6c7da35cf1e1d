// The page of a user's own, examples/pages/own-page.html, as docs/CLIENTS.md shows it: from another origin than the desktop's, it
// pairs by code, shows a value that stays true, and has a button that works.
//
// usage: node own_page.mjs DIRECTORY BINDIR      as for extension.mjs

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { until } from "./desk.mjs";
import { KdeDesk, SOURCE, serve } from "./extension_stage.mjs";
import { launch } from "./stage.mjs";

const work = path.join(process.argv[2], "own-page");

/** The page with this desktop's address in the place of the usual one. */
const page = (desk) => fs.readFileSync(`${SOURCE}/examples/pages/own-page.html`, "utf8").replaceAll("5020", desk.address.split(":")[1]);

/** Where a person types the code. */
function answerWith(tab, code) {
  tab.once("dialog", (dialog) => {
    assert.match(dialog.message(), /deskconnctl pair/);
    void dialog.accept(code);
  });
}

const allowed = "http://127.0.0.1:8667";
const desk = await KdeDesk.open(path.join(work, "desk"), process.argv[3], `[http]\nallowed_origins = ["${allowed}"]\n`);
const pages = await serve({ "/own-page": page(desk) });
const browser = await launch(path.join(work, "profile"), "other.test");
try {
  // Of an origin that is not allowed the browser gives it not even the library.
  const stranger = await browser.newPage();
  const refused = stranger.waitForEvent("requestfailed", (request) => request.url().endsWith("/deskconn.js"));
  await stranger.goto(pages.address("/own-page", "other.test"));
  await refused;
  await stranger.close();

  const tab = await browser.newPage();
  const { code, paired } = await desk.pairing();
  answerWith(tab, code);
  await tab.goto(pages.address("/own-page"));
  const device = await paired;
  assert.deepEqual([device.kind, device.name], ["web", "My page"]);
  const shows = (percent) => until(`the page shows ${percent}`, async () => (await tab.textContent("output")) === String(percent));
  await shows(40);
  await desk.move("panel", 65);
  await shows(65);
  await tab.getByRole("button", { name: "Lock the screen" }).click();
  await until("the desktop is locked", async () => (await desk.shown()).locked);

  // It needs no code when it is opened again, and comes back with the desktop.
  await tab.reload();
  await shows(65);
  await desk.kill();
  await until("the page says so", async () => (await tab.textContent("[role=status]")) !== "open");
  await desk.start();
  await desk.move("panel", 30);
  await shows(30);
  console.log("ok   a page of the user's own pairs by code, shows a live value and has a button");
} finally {
  await browser.close();
  await desk.stop();
  pages.stop();
}
