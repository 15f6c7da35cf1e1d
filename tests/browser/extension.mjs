// The browser extension in Chromium, against the real daemon: the brightness follows full-screen videos, whatever comes to an
// end meanwhile.
//
// usage: node extension.mjs DIRECTORY BINDIR      as run.sh has set it up; needs dbus-daemon and python3-dbusmock too.
//        Where DESKCONN_PICTURES names a directory, pictures of the extension's pages go there.

import assert from "node:assert/strict";
import path from "node:path";
import { until } from "./desk.mjs";
import { Browser, KdeDesk, allowed, serve, toggle } from "./extension_stage.mjs";

const work = path.join(process.argv[2], "extension");
const pictures = process.env.DESKCONN_PICTURES;
const extension = allowed(work);
const profile = path.join(work, "profile");
const pages = await serve();
const desk = await KdeDesk.open(path.join(work, "desk"), process.argv[3]);
let browser = await Browser.open(profile, extension);
let device;

/** Opens a page and makes its video full screen; the brightness rises. */
async function raised(name) {
  const page = await browser.page(pages.address(name));
  await toggle(page);
  await desk.becomes(100);
  return page;
}

/** Pairs on the page of settings. */
async function pair(options) {
  const { code, paired } = await desk.pairing();
  await options.fill("#address", desk.address);
  await options.fill("#code", code);
  await options.click("#do-pair");
  return paired;
}

const scenes = {
  async "it pairs by the code, as an extension, from its page of settings, which opens by itself"() {
    const options = await browser.opened("options.html");
    await options.fill("#address", desk.address);
    await options.fill("#code", "12-34");
    await options.click("#do-pair");
    assert.match(await options.textContent("#said"), /eight digits/);
    await options.fill("#code", "1234-5678");
    await options.click("#do-pair");
    await options.getByText(`no answer from ${desk.address}`).waitFor();
    device = await pair(options);
    assert.deepEqual([device.kind, device.role], ["ext", "remote"]);
    await options.getByText("Paired with Desk, as remote.").waitFor();
    // The user's list: one site by hand, of which localhost is not a part.
    await options.fill("#site", "two words");
    await options.getByRole("button", { name: "Add", exact: true }).click();
    assert.match(await options.textContent("#site-said"), /name of a host/);
    await options.fill("#site", pages.address("/video"));
    await options.getByRole("button", { name: "Add", exact: true }).click();
    await options.locator("#sites li", { hasText: "127.0.0.1" }).waitFor();
  },

  async "a video in full screen raises the brightness, which returns: the video, what is around it, a closed shadow tree, a frame"() {
    for (const name of ["/video", "/around", "/shadow", "/frame"]) {
      const page = await raised(name).catch((error) => assert.fail(`${name}: ${error.message}`));
      await toggle(page);
      await desk.becomes(40);
      await page.close();
    }
    const { panel, monitor } = await desk.shown();
    assert.deepEqual([panel.sets, monitor.sets], [8, 0], "once up and once down for each, and only the built-in display");
  },

  async "full screen without a video raises nothing, until one begins to play there"() {
    const page = await browser.page(pages.address("/late"));
    await toggle(page);
    const before = await desk.shown();
    await page.evaluate(() => play());
    await desk.becomes(100);
    assert.equal((await desk.shown()).panel.sets, before.panel.sets + 1);
    await toggle(page);
    await desk.becomes(40);
    await page.close();
  },

  async "a site that is not on the list is not looked at"() {
    const page = await browser.page(pages.address("/video", "localhost"));
    const before = await desk.shown();
    await toggle(page);
    await toggle(page);
    await page.close();
    // Whatever came of it would have come before what comes of this.
    const listed = await raised("/video");
    await toggle(listed);
    await desk.becomes(40);
    assert.equal((await desk.shown()).panel.sets, before.panel.sets + 2);
    await listed.close();
  },

  async "who moves the slider meanwhile keeps what he chose"() {
    const page = await raised("/video");
    await desk.move("panel", 70);
    await toggle(page);
    const other = await raised("/around");
    await toggle(other);
    // It returns to what was chosen, so that was not undone.
    await desk.becomes(70);
    await desk.move("panel", 40);
    await page.close();
    await other.close();
  },

  async "all displays rise to another percent where that is wished for"() {
    const options = await browser.own("options.html");
    await options.locator("#percent").fill("80");
    await options.selectOption("#which", "all");
    await until("the wish is kept", () => options.evaluate(async () => (await chrome.storage.local.get("which")).which === "all"));
    const page = await browser.page(pages.address("/video"));
    await toggle(page);
    await desk.becomes(80);
    await desk.becomes(80, "monitor");
    await toggle(page);
    await desk.becomes(40);
    await desk.becomes(20, "monitor");
    await options.locator("#percent").fill("100");
    await options.selectOption("#which", "first");
    await page.close();
    await options.close();
  },

  async "the worker ends while the video plays, and another one brings the brightness back"() {
    const page = await raised("/video");
    await browser.endWorker(page);
    await toggle(page);
    await desk.becomes(40);
    await page.close();
  },

  async "the tab is closed in full screen"() {
    const page = await raised("/video");
    await page.close();
    await desk.becomes(40);
  },

  async "the page goes elsewhere in full screen"() {
    const page = await raised("/video");
    await page.goto(pages.address("/around"));
    await desk.becomes(40);
    await page.close();
  },

  async "the daemon is killed while the video plays, and is there again when it ends"() {
    const page = await raised("/video");
    await desk.kill();
    await desk.start();
    await toggle(page);
    await desk.becomes(40);
    await page.close();
  },

  async "the daemon is away when the video ends, and the brightness returns when it is back"() {
    const page = await raised("/video");
    await desk.kill();
    await toggle(page);
    await desk.start();
    await desk.becomes(40);
    await page.close();
  },

  async "the daemon is away when the video begins, and the brightness rises when it is back"() {
    await desk.kill();
    const page = await browser.page(pages.address("/video"));
    await toggle(page);
    await desk.start();
    await desk.becomes(100);
    await toggle(page);
    await desk.becomes(40);
    await page.close();
  },

  async "the browser is killed in full screen, and brings the brightness back when it is started again"() {
    await raised("/video");
    await browser.kill();
    assert.equal((await desk.shown()).panel.percent, 100);
    browser = await Browser.open(profile, extension);
    await desk.becomes(40);
  },

  async "the browser is killed in full screen, and leaves what somebody moved meanwhile"() {
    await raised("/video");
    await browser.kill();
    await desk.move("panel", 60);
    browser = await Browser.open(profile, extension);
    const options = await browser.own("options.html");
    await until("nothing is to return", () => options.evaluate(async () => (await chrome.storage.local.get("raised")).raised === null));
    assert.equal((await desk.shown()).panel.percent, 60);
    await desk.move("panel", 40);
    await options.close();
  },

  async "the desktop is forgotten while the video plays, and the brightness returns before"() {
    const options = await browser.own("options.html");
    const page = await raised("/video");
    await options.getByRole("button", { name: "Forget this desktop" }).click();
    await desk.becomes(40);
    device = await pair(options);
    await page.close();
    await options.close();
  },

  async "the popup shows and sets the brightness, locks, and says how it stands"() {
    const popup = await browser.own("popup.html");
    await popup.getByText("Connected to Desk").waitFor();
    const slider = popup.locator("#brightness");
    await until("the slider is where the panel is", async () => (await slider.inputValue()) === "40");
    await desk.move("panel", 55);
    await until("the slider follows", async () => (await slider.inputValue()) === "55");
    await slider.fill("30");
    await desk.becomes(30);
    await popup.getByRole("button", { name: "Lock the screen" }).click();
    await until("the desktop is locked", async () => (await desk.shown()).locked);
    await browser.endWorker(popup);
    // As a person does whose slider did not answer while there was no worker.
    await until("another worker sets it", async () => {
      await slider.fill("40");
      return (await desk.shown()).panel.percent === 40;
    });
    await desk.kill();
    await popup.getByText("Desk is not there").waitFor();
    assert.ok(await slider.isDisabled());
    await desk.start();
    // It may have come back by itself, and its button be gone.
    await popup.evaluate(() => document.getElementById("retry").click());
    await popup.getByText("Connected to Desk").waitFor();
    desk.ctl("devices", "role", device.id, "slides");
    await popup.getByText("does not let this browser change the brightness").waitFor();
    assert.ok(await slider.isDisabled());
    desk.ctl("devices", "role", device.id, "remote");
    await until("the slider is back", () => slider.isEnabled());
    await popup.getByRole("button", { name: "Remove 127.0.0.1" }).click();
    await popup.getByText("No site is on the list yet.").waitFor();
    await popup.close();
  },

  async "a browser that is revoked is told so, waits for nothing, and can pair again"() {
    const popup = await browser.own("popup.html");
    await popup.getByText("Connected to Desk").waitFor();
    const options = await browser.own("options.html");
    const page = await browser.page(pages.address("/video"));
    await options.evaluate(() => chrome.storage.local.set({ isEverywhere: true }));
    await toggle(page);
    await desk.becomes(100);
    desk.ctl("devices", "revoke", "--all");
    await popup.getByText("does not know this browser any more").waitFor();
    await until("nothing is waited for", () => options.evaluate(async () => {
      const { raised } = await chrome.storage.local.get("raised");
      return raised === null && (await chrome.alarms.getAll()).length === 0;
    }));
    await desk.move("panel", 40);
    await page.close();
    await options.evaluate(() => chrome.storage.local.set({ isEverywhere: false }));
    await options.getByRole("button", { name: "Forget this desktop" }).click();
    await popup.getByText("not paired with a desktop yet").waitFor();
    await pair(options);
    await popup.getByText("Connected to Desk").waitFor();
    await popup.close();
    await options.close();
  },

  async "its pages in light and dark"() {
    const kept = await browser.own("options.html");
    for (const site of ["netflix.com", "youtube.com"]) await kept.getByRole("button", { name: `Add ${site}` }).click();
    await kept.locator("#sites li", { hasText: "youtube.com" }).waitFor();
    await kept.close();
    for (const colorScheme of ["light", "dark"]) {
      for (const [name, width] of [["popup", 320], ["options", 640]]) {
        const page = await browser.own(`${name}.html`);
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 400 });
        if (name === "popup") await page.getByText("Connected to Desk").waitFor();
        await page.locator("#sites li", { hasText: "youtube.com" }).waitFor();
        const { scroll, client } = await page.evaluate(() => ({ scroll: document.body.scrollWidth, client: document.documentElement.clientWidth }));
        assert.ok(scroll <= client, `${name} is wider than its window`);
        if (pictures) await page.screenshot({ path: path.join(pictures, `extension-${name}-${colorScheme}.png`), fullPage: true });
        await page.close();
      }
    }
  },
};

let failed = 0;
for (const [name, scene] of Object.entries(scenes)) {
  try {
    await scene();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n${error.stack}`);
    // The others begin with a browser that does nothing.
    await browser.kill();
    await desk.move("panel", 40);
    browser = await Browser.open(profile, extension);
  }
}
await browser.close();
await desk.stop();
pages.stop();
console.log(`extension: ${Object.keys(scenes).length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
