// The phone app in Chromium, at the size of a phone, in no secure context, with a real daemon and a real `deskconnctl` on a
// terminal. Each of these is something that a person does; the words of the app are found as a person finds them.
//
// usage: node app.mjs DIRECTORY BINDIR      as run.sh has set it up

import assert from "node:assert/strict";
import path from "node:path";
import { Desk, until } from "./desk.mjs";
import { launch } from "./stage.mjs";

const [work, bindir] = process.argv.slice(2);
const PORT = 5020;
/** From the camera's link to the first slide: what is promised. */
const FIRST_SLIDE_MS = 10_000;

const desk = await new Desk({ home: path.join(work, "app"), bindir, listen: `127.0.0.1:${PORT}`, more: GPIO() }).start();
const host = `deskconn-${desk.call("org.deskconn.info.get").id.slice(0, 8)}.local`;
const home = `http://${host}:${PORT}/`;
const browser = await launch(path.join(work, "app-profile"), host, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
const complaints = [];
browser.on("page", (page) => {
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
});

function GPIO() {
  const line = (name, number, direction) => `[[components.gpio.line]]\nname = "${name}"\nchip = "fake"\nline = ${number}\ndirection = "${direction}"\n`;
  return line("lamp", 1, "out") + line("door", 3, "in");
}

const at = (page, id) => page.getByTestId(id);
const becomes = (page, status) => page.waitForSelector(`[data-testid=strip][data-status=${status}]`);
const failed = (page, code) => page.waitForSelector(`[data-testid=pair-failed][data-code=${code}]`);

/** Pairs a new page by the link on the terminal; gives it, connected. */
async function paired(...words) {
  const terminal = desk.pair(...words);
  const page = await browser.newPage();
  await page.goto(await link(terminal));
  await at(page, "pair-name").fill("Test phone");
  await at(page, "pair-submit").tap();
  await terminal.answer("y");
  await becomes(page, "open");
  assert.equal(await terminal.ended, 0);
  return page;
}

/** The link as a phone reaches it: by name, which is what the page moves itself to on a network. */
async function link(terminal) {
  return (await terminal.link()).replace(/\/\/[^/]+\//, `//${host}:${PORT}/`);
}

async function forget(page) {
  await page.evaluate(() => localStorage.clear());
  await page.close();
}

const stories = {
  async "scan, approve, and the first slide is turned in less than ten seconds"() {
    const terminal = desk.pair();
    const address = await link(terminal);
    const page = await browser.newPage();
    const begun = Date.now();
    await page.goto(address);
    assert.equal(await page.evaluate(() => isSecureContext), false, "a phone on a local network has no more");
    assert.equal(new URL(page.url()).hash.includes("p=1"), false, "the secret does not stay in the address");
    await at(page, "pair-name").fill("Anna's phone");
    await at(page, "pair-submit").tap();
    const fingerprint = await at(page, "pair-fingerprint").textContent();
    await terminal.shows(new RegExp(fingerprint));
    await terminal.shows(/Anna's phone/);
    await terminal.answer("y");
    await at(page, "slides-next").tap();
    await until("the key is pressed", async () => (await desk.report()).taps.includes("PageDown"));
    const took = Date.now() - begun;
    console.log(`     scan to first slide: ${(took / 1000).toFixed(1)} s, of which a person's part is the name and two taps`);
    assert.ok(took < FIRST_SLIDE_MS);
    await page.close();
  },

  async "the bookmark opens where the phone was, without pairing"() {
    const page = await browser.newPage();
    await page.goto(home);
    await becomes(page, "open");
    await page.close();
  },

  async "every key of a presenter"() {
    const page = await open("slides");
    for (const [id, key] of [["next", "PageDown"], ["previous", "PageUp"], ["start", "F5"], ["blank", "B"], ["end", "Escape"]]) {
      const before = (await desk.report()).taps.length;
      await at(page, `slides-${id}`).tap();
      await until(`${id} presses ${key}`, async () => (await desk.report()).taps.slice(before).includes(key));
    }
    const before = (await desk.report()).taps.length;
    await page.keyboard.press("PageDown");
    await until("a clicker's key turns a slide", async () => (await desk.report()).taps.length > before);
    await page.close();
  },

  async "a slide that was not turned is seen at once"() {
    const page = await open("slides");
    await desk.say("missing uinput");
    await at(page, "slides-next").tap();
    await page.getByText("uinput is not there").first().waitFor();
    await desk.say("missing");
    await page.close();
  },

  async "the daemon is killed and started: the phone says so, shows nothing stale as live, and comes back"() {
    const page = await open("slides");
    await desk.kill();
    await becomes(page, "waiting");
    assert.equal(await at(page, "slides-next").isDisabled(), true);
    await desk.start();
    await at(page, "retry").tap().catch(() => {});
    await becomes(page, "open");
    await at(page, "slides-next").tap();
    await until("it presents again", async () => (await desk.report()).taps.includes("PageDown"));
    await page.close();
  },

  async "the desktop throws the phone out, and it says so and what to do"() {
    const page = await open("slides");
    desk.ctl("devices", "revoke", "--all");
    await becomes(page, "refused");
    await page.getByText("removed from the desktop").waitFor();
    await at(page, "pair-again-button").tap();
    await page.waitForSelector("[data-testid=pairing][data-stage=form]");
    await forget(page);
  },

  async "a phone that may turn slides sees nothing else, and another may not take what is the owner's"() {
    const page = await paired("--role", "slides");
    assert.equal(await at(page, "nav-slides").count() + await at(page, "view-slides").count() > 0, true);
    for (const route of ["screen", "media", "pointer", "switches"]) assert.equal(await at(page, `nav-${route}`).count(), 0, route);
    const [device] = desk.call("org.deskconn.devices.list");
    assert.deepEqual([device.name, device.kind, device.role], ["Test phone", "web", "slides"]);
    desk.ctl("devices", "revoke", device.id);
    await becomes(page, "refused");
    await forget(page);
  },

  async "a wrong code, no code, a burned window and a no are told apart"() {
    const page = await browser.newPage();
    await page.goto(home);
    const type = async (code) => {
      await at(page, "pair-code").fill(code);
      await at(page, "pair-submit").tap();
    };
    await type("1234");
    await page.getByText("eight digits").first().waitFor();
    await type("1234-5678");
    await failed(page, "closed");
    const terminal = desk.pair();
    const code = await terminal.code();
    const wrong = code === "1234-5678" ? "8765-4321" : "1234-5678";
    await type(wrong);
    await page.waitForSelector("[data-testid=pair-failed]:not([data-code=closed])");
    await type(code);
    await terminal.answer("n");
    await failed(page, "refused");
    await terminal.end();
    await forget(page);
  },

  async "a link whose time is over is known as such"() {
    const terminal = desk.pair("--ttl", "1");
    const address = await link(terminal);
    await terminal.ended;
    const page = await browser.newPage();
    await page.goto(address);
    await at(page, "pair-submit").tap();
    await failed(page, "link_expired");
    await page.goto("about:blank");
    await page.goto(`${home}#p=1.broken`);
    await at(page, "pair-broken-link").waitFor();
    await forget(page);
  },
};

/** The app on one of its screens, paired. */
async function open(route) {
  const page = await browser.newPage();
  await page.goto(`${home}#/${route}`);
  await becomes(page, "open");
  return page;
}

let status = 0;
try {
  for (const [name, tell] of Object.entries(stories)) {
    await tell();
    console.log(`ok   ${name}`);
  }
  // That nobody answers while the daemon is killed, and what Chromium says of a header that only secure contexts have.
  const expected = /ERR_CONNECTION_REFUSED|WebSocket connection to|Failed to load resource|Cross-Origin-Opener-Policy header has been ignored/;
  assert.deepEqual(complaints.filter((it) => !expected.test(it)), [], "the page complains of nothing");
} catch (error) {
  console.error(error);
  console.error(desk.log.slice(-3000));
  for (const page of browser.pages()) console.error(page.url(), await page.locator("body").innerText().catch(() => ""));
  status = 1;
}
await browser.close();
await desk.stop();
process.exit(status);
