// The phone app in Chromium, at the size of a phone, in no secure context, with a real daemon and a real `deskconnctl` on a
// terminal. Each of these is something that a person does; the words of the app are found as a person finds them.
//
// usage: node app.mjs DIRECTORY BINDIR      as run.sh has set it up

import assert from "node:assert/strict";
import path from "node:path";
import { Desk, until } from "./desk.mjs";
import { CONFIG, GRANTS, Python, furnish, routes } from "./furnished.mjs";
import { launch } from "./stage.mjs";
import { audit } from "./audit.mjs";

const [work, bindir] = process.argv.slice(2);
const PORT = 5020;
/** To run some of the stories alone: DESKCONN_STORY is a part of their names. */
const only = new RegExp(process.env.DESKCONN_STORY ?? "");
/** From the camera's link to the first slide: what is promised. */
const FIRST_SLIDE_MS = 10_000;

const desk = await new Desk({ home: path.join(work, "app"), bindir, listen: `127.0.0.1:${PORT}`, more: CONFIG }).start();
await furnish(desk, work);
const host = `deskconn-${desk.call("org.deskconn.info.get").id.slice(0, 8)}.local`;
const home = `http://${host}:${PORT}/`;
const browser = await launch(path.join(work, "app-profile"), host, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
const complaints = [];
browser.on("page", (page) => {
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
});

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

  async "a page that is closed or loaded again leaves no session behind"() {
    const count = () => desk.call("wamp.session.count");
    const before = count();
    const page = await open("slides");
    for (let time = 0; time < 3; time += 1) {
      await page.reload();
      await becomes(page, "open");
    }
    await until("one session is there, and not one for each time", () => count() === before + 1);
    await page.close();
    await until("none is left", () => count() === before);
  },

  async "the daemon is killed and started: the phone says so, shows nothing stale as live, and comes back"() {
    const page = await open("slides");
    await desk.kill();
    await becomes(page, "waiting");
    assert.equal(await at(page, "slides-next").isDisabled(), true);
    await at(page, "retry").waitFor();
    await desk.start();
    await furnish(desk, work);
    await becomes(page, "open");
    await at(page, "slides-next").tap();
    await until("it presents again", async () => (await desk.report()).taps.includes("PageDown"));
    await page.close();
  },

  async "walk away, see that the screen is not locked, lock it; what happens at the desktop is seen on the phone"() {
    const page = await open("screen");
    const state = (text) => until(`it says ${text}`, async () => (await at(page, "lock-state").textContent()).trim() === text);
    await desk.say("lock false");
    await state("Not locked");
    await at(page, "lock-button").tap();
    await until("the desktop is locked", async () => (await desk.report()).locked === true);
    await state("Locked");
    await desk.say("lock false");
    await state("Not locked");
    await desk.say("lock unknown");
    await page.close();
    await desk.say("lock false");
  },

  async "the brightness slider follows the desktop's knob, and moves it"() {
    const page = await open("screen");
    const slider = at(page, "brightness-panel").locator("input");
    const says = (percent) => until(`the slider says ${percent}`, async () => (await slider.inputValue()) === String(percent));
    await desk.say("brightness 37");
    await says(37);
    await slider.fill("80");
    await until("the display is brighter", async () => (await desk.report()).writes.some(([id, percent]) => id === "panel" && percent === 80));
    await desk.say("brightness 12");
    await says(12);
    await page.close();
  },

  async "players, their picture from the desktop's own file, and the volume"() {
    const page = await open("media");
    const music = (id) => at(page, "player-Music").getByTestId(id);
    await music("track-title").getByText("Evening Light").waitFor();
    const picture = await until("the picture is there", () => music("track-art").evaluate((it) => it.complete && it.naturalWidth).catch(() => 0)).then(() => music("track-art").getAttribute("src"));
    assert.match(picture, /^(data|blob):/, "and is fetched from nowhere else");
    await music("media-play-pause").tap();
    await until("the player was asked", async () => (await desk.report()).asked.length > 0);
    await desk.say("player Music paused Night / The Quiet Hours");
    await music("track-title").getByText("Night").waitFor();
    const volume = at(page, "volume-slider").locator("input");
    await desk.say("volume 23");
    await until("the volume follows", async () => (await volume.inputValue()) === "23");
    await page.close();
  },

  async "lines of a GPIO chip are switches, and what somebody outside does to them is seen"() {
    desk.ctl("devices", "role", desk.call("org.deskconn.devices.list")[0].id, "full");
    const page = await open("switches");
    await at(page, "line-lamp").tap();
    await until("the lamp is on", async () => (await desk.report()).lines[1]);
    await desk.say("line 3 false");
    await at(page, "line-door").getByText(/off/i).waitFor();
    await desk.say("line 3 true");
    await at(page, "line-door").getByText(/on/i).waitFor();
    await page.close();
  },

  async "pointer, buttons, keys and text"() {
    const page = await open("pointer");
    await at(page, "click-right").tap();
    await until("the right button", async () => (await desk.report()).motions.includes("Click(Right)"));
    const box = await at(page, "touchpad").boundingBox();
    const session = await page.context().newCDPSession(page);
    const touch = (type, ...points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points });
    await touch("touchStart", { x: box.x + 40, y: box.y + 40 });
    for (let step = 1; step <= 6; step += 1) await touch("touchMove", { x: box.x + 40 + 10 * step, y: box.y + 40 + 5 * step });
    await touch("touchEnd");
    await until("the pointer moves", async () => (await desk.report()).motions.some((it) => it.startsWith("Move")));
    await touch("touchStart", { x: box.x + 40, y: box.y + 40 });
    await touch("touchEnd");
    await until("a tap on the pad clicks", async () => (await desk.report()).motions.includes("Click(Left)"));
    await at(page, "keyboard-text").fill("hello");
    await at(page, "keyboard-type").tap();
    await until("five keys", async () => (await desk.report()).strokes.length >= 5);
    await page.close();
  },

  async "a component in a dozen lines of Python is a button on the phone, as soon as the owner allows it"() {
    const coffee = await Python.start("examples/components/coffee.py", desk, () => desk.call("org.deskconn.info.get").described.length > 0);
    const page = await open("slides");
    assert.equal(await page.getByText("Make coffee").count(), 0);
    const [device] = desk.call("org.deskconn.devices.list");
    desk.ctl("devices", "grant", device.id, "org.deskconn.app.coffee");
    await page.goto(`${home}#/apps`);
    await at(page, "item-org.deskconn.app.coffee").tap();
    await coffee.says("coffee is on its way");
    await coffee.end();
    await until("the button goes with the program", async () => (await page.getByText("Make coffee").count()) === 0);
    await page.close();
  },

  async "whatever describes itself is drawn: button, toggle, slider, text, value"() {
    const things = await Python.start("tests/browser/things.py", desk);
    const [device] = desk.call("org.deskconn.devices.list");
    desk.ctl("devices", "grant", device.id, "org.deskconn.app.home.", "--allow", "call,subscribe");
    const page = await open("apps");
    const item = (name) => at(page, `item-org.deskconn.app.home.${name}`);
    await item("coffee").tap();
    await things.says("coffee");
    await item("lamp").tap();
    await things.says("lamp True");
    await item("heating").locator("input").fill("22.5");
    await things.says("heating 22.5");
    await item("say").fill("dinner is ready");
    await item("say").press("Enter");
    await things.says("say dinner is ready");
    await item("on_temperature").getByText("21.4 °C").waitFor();
    things.child.stdin.write("19.0 °C\n");
    await item("on_temperature").getByText("19.0 °C").waitFor();
    await page.close();
    await things.end();
  },

  async "every screen: no violation that axe finds, targets of 44 pixels, nothing beside the screen, light and dark"() {
    const things = await Python.start("tests/browser/things.py", desk);
    const [device] = desk.call("org.deskconn.devices.list");
    desk.ctl("devices", "role", device.id, "full");
    desk.ctl("devices", "grant", device.id, "org.deskconn.app.home.", "--allow", "call,subscribe");
    for (let at = 1; at < GRANTS.length; at += 2) desk.ctl("devices", "grant", device.id, GRANTS[at]);
    const page = await open("slides");
    const wrong = [];
    for (const route of [...routes(), "more"]) {
      await page.goto(`${home}#/${route}`);
      await at(page, `view-${route}`).waitFor();
      await page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
      wrong.push(...(await audit(page, route)));
    }
    assert.deepEqual(wrong, []);
    await page.close();
    await things.end();
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
  for (const [index, [name, tell]] of Object.entries(stories).entries()) {
    // The first brings the phone in.
    if (index > 0 && !only.test(name)) continue;
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
