// The stage of the extension and of a user's own page: a desktop whose brightness and lock are KDE's (by dbusmock, on a bus of its
// own), pages with videos, and Chromium with the extension.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";
import { Desk, PATIENCE_MS, until } from "./desk.mjs";
import { launch } from "./stage.mjs";

/** The root of the sources; the scripts themselves are run from a copy. */
export const SOURCE = process.env.DESKCONN_SOURCE;
const LISTEN = { host: "127.0.0.1", port: 5030 };
const PAGES_PORT = 8667;

/** What is promised, if it comes in time. */
export function within(what, promise) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`in vain: ${what}`)), PATIENCE_MS).unref());
  return Promise.race([promise, late]);
}

/** The real daemon on a desktop by KDE. */
export class KdeDesk extends Desk {
  address = `${LISTEN.host}:${LISTEN.port}`;

  /** `more` is further configuration. */
  static async open(home, bindir, more = "") {
    fs.mkdirSync(home, { recursive: true });
    const bus = `unix:path=${home}/bus`;
    const named = `[discovery]\nenabled = false\nname = "Desk"\n${more}`;
    const desk = new KdeDesk({ home, bindir, program: "deskconnd", listen: `${LISTEN.host}:${LISTEN.port}`, more: named, bus });
    // A bus that starts no service of this machine by itself.
    const allow = "<allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/>";
    const config = `<busconfig><listen>${bus}</listen><auth>EXTERNAL</auth><policy context='default'>${allow}</policy></busconfig>`;
    fs.writeFileSync(`${home}/bus.conf`, config);
    desk.dbus = spawn("dbus-daemon", ["--nofork", "--print-address", `--config-file=${home}/bus.conf`], { stdio: ["ignore", "pipe", "ignore"] });
    await once(createInterface({ input: desk.dbus.stdout }), "line");
    const env = { ...process.env, DBUS_SESSION_BUS_ADDRESS: bus };
    desk.kde = spawn("/usr/bin/python3", [`${SOURCE}/tests/browser/kde.py`], { env, stdio: ["pipe", "pipe", "inherit"] });
    desk.said = createInterface({ input: desk.kde.stdout })[Symbol.asyncIterator]();
    await within("KDE is there", desk.said.next());
    return desk.start();
  }

  /** Opens a window for whoever has its code; more words are those of `deskconnctl pair`. `paired` has the device when it is over. */
  async pairing(...words) {
    const terminal = this.pair("--yes", "--no-qr", ...words);
    const paired = terminal.ended.then((status) => {
      assert.equal(status, 0, terminal.plain);
      return this.ctl("devices", "list").at(-1);
    });
    return { code: await terminal.code(), paired: within("the code is taken", paired) };
  }

  /** What KDE has: by display its percent, and how often it was set; whether it is locked. */
  async shown(line = "show") {
    this.kde.stdin.write(`${line}\n`);
    return JSON.parse((await this.said.next()).value);
  }

  /** Somebody moves KDE's own slider. */
  async move(display, percent) {
    await this.shown(`${display} ${percent}`);
  }

  async becomes(percent, display = "panel") {
    await until(`the ${display} has ${percent} %`, async () => (await this.shown())[display].percent === percent);
  }

  async stop() {
    this.kde.stdin.end();
    await once(this.kde, "exit");
    await super.stop();
    this.dbus.kill("SIGTERM");
  }
}

/** A video without a file: what is painted on a canvas. */
const VIDEO = `const canvas = document.createElement('canvas');
  const paint = () => { canvas.getContext('2d').fillRect(0, 0, 9, 9); requestAnimationFrame(paint); };
  paint();
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream();`;
const full = (element) => `document.body.onclick = () => ${element}.requestFullscreen();`;
const page = (script) => `<!doctype html><title>page</title><body style="height: 100vh"><script>${script}</script></body>`;

const PAGES = {
  "/video": page(`${VIDEO} document.body.append(video); ${full("video")} video.play();`),
  "/around": page(`${VIDEO} const around = document.createElement('div'); around.append(video); document.body.append(around); ${full("around")} video.play();`),
  "/shadow": page(`${VIDEO} const host = document.createElement('div'); host.attachShadow({ mode: 'closed' }).append(video); document.body.append(host); ${full("host")} video.play();`),
  "/late": page(`${VIDEO} const host = document.createElement('div'); host.attachShadow({ mode: 'closed' }).append(video); document.body.append(host); ${full("host")} play = () => video.play();`),
  "/frame": `<!doctype html><title>page</title><body style="margin: 0"><iframe allow="fullscreen" style="width: 100vw; height: 100vh; border: 0" src="http://localhost:${PAGES_PORT}/video"></iframe></body>`,
};

/** Pages of a site, by their paths. */
export async function serve(pages = PAGES) {
  const server = http.createServer((request, response) => {
    const found = pages[request.url];
    response.writeHead(found ? 200 : 404, { "Content-Type": "text/html" });
    response.end(found);
  });
  server.listen(PAGES_PORT, "127.0.0.1");
  await once(server, "listening");
  return { address: (name, host = "127.0.0.1") => `http://${host}:${PAGES_PORT}${name}`, stop: () => server.close() };
}

/** The extension as it is built for a browser. */
export const built = (browser) => `${SOURCE}/clients/extension/dist/${browser}`;

/**
 * The extension as its user has it who said yes to the browser's question about sites: nothing without a screen can press
 * that button, so here the manifest demands what it otherwise asks for.
 */
export function allowed(work) {
  const copy = path.join(work, "extension");
  fs.cpSync(built("chromium"), copy, { recursive: true });
  const file = path.join(copy, "manifest.json");
  const { optional_host_permissions: host_permissions, ...manifest } = JSON.parse(fs.readFileSync(file, "utf8"));
  fs.writeFileSync(file, JSON.stringify({ ...manifest, host_permissions }));
  return copy;
}

/** Chromium with the extension. */
export class Browser {
  static async open(profile, extension, more = {}) {
    const browser = new Browser();
    const context = await launch(profile, [], {
      // Playwright switches extensions off unless it is told not to.
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [`--disable-extensions-except=${extension}`, `--load-extension=${extension}`],
      ...more,
    });
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    return Object.assign(browser, { profile, context, id: new URL(worker.url()).host });
  }

  /** A page of the extension. */
  async own(name) {
    const page = await this.context.newPage();
    await page.goto(`chrome-extension://${this.id}/${name}`);
    return page;
  }

  /** A page of the extension that it opens by itself. */
  opened(name) {
    const url = `chrome-extension://${this.id}/${name}`;
    return until(`${name} opens`, () => this.context.pages().find((page) => page.url() === url));
  }

  /** A page with a video, which the extension knows of already, and which feels the mouse. */
  async page(address) {
    const page = await this.context.newPage();
    await page.goto(address);
    // A frame of another site gets nothing of the mouse before it is drawn, long after it is loaded.
    const inner = page.frames().at(-1);
    await inner.evaluate(() => addEventListener("mousemove", () => (window.felt = true)));
    let moved = 0;
    await until("the mouse is felt", async () => {
      moved += 1;
      await page.mouse.move(40 + (moved % 2), 40);
      return inner.evaluate(() => window.felt === true);
    });
    return page;
  }

  /** Ends the worker, as the browser does with one that has nothing to do. */
  async endWorker(page) {
    const session = await this.context.newCDPSession(page);
    const gone = new Promise((done) => {
      session.on("ServiceWorker.workerVersionUpdated", ({ versions }) => {
        if (versions.some(({ runningStatus }) => runningStatus === "stopped")) done();
      });
    });
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await within("the worker ends", gone);
    await session.detach();
  }

  /** Kills it with all its windows; nobody gets to say goodbye. */
  async kill() {
    const closed = once(this.context, "close");
    for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      let command = "";
      try {
        command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        // It has ended meanwhile.
      }
      const isOurs = command.includes(`--user-data-dir=${this.profile}`) && !command.includes("--type=");
      if (isOurs) process.kill(Number(pid), "SIGKILL");
    }
    await closed;
    // What a killed browser leaves would keep the next one from its profile.
    for (const name of ["SingletonLock", "SingletonSocket", "SingletonCookie"]) fs.rmSync(path.join(this.profile, name), { force: true });
  }

  close() {
    return this.context.close();
  }
}

/** Makes the page's video full screen, by a click as browsers demand it, or ends that. */
export async function toggle(page) {
  const was = await page.evaluate(() => document.fullscreenElement !== null);
  if (was) await page.evaluate(() => document.exitFullscreen());
  else await page.mouse.click(40, 40);
  await page.waitForFunction((was) => (document.fullscreenElement !== null) !== was, was);
}
