// Takes a picture of each screen of the app, for `docs/pictures` and for whoever looks with a designer's eye.
//
// usage: node pictures.mjs DIRECTORY BINDIR      as run.sh has set it up
// DESKCONN_PICTURES is where they go; each is taken at the size of a phone, light and dark, and of a desktop.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { Desk } from "./desk.mjs";
import { launch } from "./stage.mjs";
import { CONFIG, GRANTS, Python, furnish, routes } from "./furnished.mjs";

const [work, bindir] = process.argv.slice(2);
const target = process.env.DESKCONN_PICTURES;
if (!target) throw new Error("DESKCONN_PICTURES is not set");
fs.mkdirSync(target, { recursive: true });

const PORT = 5020;
const SIZES = { phone: { width: 360, height: 640 }, desktop: { width: 1280, height: 800 } };
/** What shows the machine that it is taken on. */
const PRIVATE = new Set(["host"]);

// A network for both desktops to see each other on; its other end leads nowhere.
for (const words of ["link add eth0 type veth peer name nowhere", "addr add 10.98.0.2/24 dev eth0", "link set nowhere up", "link set eth0 up"]) execFileSync("ip", words.split(" "));
const seen = "[discovery]\nenabled = true\n";
const desk = await new Desk({ home: path.join(work, "pictures"), bindir, listen: `0.0.0.0:${PORT}`, more: seen + CONFIG }).start();
const other = await new Desk({ home: path.join(work, "other"), bindir, listen: `0.0.0.0:${PORT + 1}`, more: `${seen}name = "Raspberry Pi"\n` }).start();
await furnish(desk, work);
const things = await Python.start("tests/browser/things.py", desk);
const host = `deskconn-${desk.call("org.deskconn.info.get").id.slice(0, 8)}.local`;

for (const [size, viewport] of Object.entries(SIZES)) {
  const isMobile = size === "phone";
  const browser = await launch(path.join(work, `profile-${size}`), host, { viewport, isMobile, hasTouch: isMobile, deviceScaleFactor: isMobile ? 2 : 1, colorScheme: "light" });
  const page = await browser.newPage();
  const shoot = async (name) => {
    for (const colorScheme of isMobile ? ["light", "dark"] : ["light"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: path.join(target, `${name}-${size}-${colorScheme}.png`) });
    }
  };
  const terminal = desk.pair("--role", "full", ...GRANTS);
  await page.goto((await terminal.link()).replace(/\/\/[^/]+\//, `//${host}:${PORT}/`));
  await page.getByTestId("pair-name").fill("Pixel 9");
  await shoot("pair");
  await page.getByTestId("pair-submit").click();
  await page.getByTestId("pair-fingerprint").waitFor();
  await shoot("waiting");
  await terminal.answer("y");
  await page.waitForSelector("[data-testid=strip][data-status=open]");
  const [device] = desk.call("org.deskconn.devices.list").slice(-1);
  desk.ctl("devices", "grant", device.id, "org.deskconn.app.home.", "--allow", "call,subscribe");
  for (const route of routes()) {
    if (PRIVATE.has(route)) continue;
    await page.goto(`http://${host}:${PORT}/#/${route}`);
    await page.getByTestId(`view-${route}`).waitFor();
    await page.waitForLoadState("networkidle");
    // What is asked of the desktop is there when nothing says any more that it is on its way.
    await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
    if (route === "desktops") await page.getByText("Raspberry Pi").waitFor();
    await shoot(route);
  }
  await browser.close();
}
await things.end();
await desk.stop();
await other.stop();
