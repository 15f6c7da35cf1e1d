// The stage of extension.mjs: a desktop (the real daemon; KDE's brightness by dbusmock on a bus of its own) that can be killed
// and started again, pages with videos, and Chromium with the extension.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

// Nothing here takes longer, unless it hangs.
export const PATIENCE_MS = 20_000;
const DESK_PORT = 5030;
const PAGES_PORT = 8667;

/** Looks again at what tells nobody, until it is as it should be. */
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  let seen;
  while (Date.now() < end) {
    seen = await look();
    if (seen === true) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`${what}: it stayed ${JSON.stringify(seen)}`);
}

/** What is promised, if it comes in time. */
export function within(what, promise) {
  const late = new Promise((_, fail) => setTimeout(() => fail(new Error(`${what}: it did not`)), PATIENCE_MS).unref());
  return Promise.race([promise, late]);
}

/** The desktop. */
export class Desk {
  /** `more` is further configuration. */
  static async start(work, bindir, more = "") {
    const desk = new Desk();
    Object.assign(desk, { work: path.join(work, "desk"), bindir });
    fs.mkdirSync(path.join(desk.work, "run"), { recursive: true });
    fs.writeFileSync(
      path.join(desk.work, "config.toml"),
      `[listen]\ntcp = ["127.0.0.1:${DESK_PORT}"]\n[discovery]\nenabled = false\nname = "Desk"\n${more}`,
    );
    // A bus that starts no service of this machine by itself.
    const allow = "<allow send_destination='*'/><allow receive_sender='*'/><allow own='*'/>";
    const listen = `<listen>unix:path=${desk.work}/bus</listen><auth>EXTERNAL</auth>`;
    fs.writeFileSync(`${desk.work}/bus.conf`, `<busconfig>${listen}<policy context='default'>${allow}</policy></busconfig>`);
    const arguments_ = ["--nofork", "--print-address", `--config-file=${desk.work}/bus.conf`];
    const bus = spawn("dbus-daemon", arguments_, { stdio: ["ignore", "pipe", "ignore"] });
    const [address] = await once(createInterface({ input: bus.stdout }), "line");
    desk.env = {
      ...process.env,
      HOME: desk.work,
      STATE_DIRECTORY: path.join(desk.work, "state"),
      RUNTIME_DIRECTORY: path.join(desk.work, "run"),
      DBUS_SESSION_BUS_ADDRESS: address,
      DBUS_SYSTEM_BUS_ADDRESS: address,
    };
    const script = path.join(import.meta.dirname, "kde.py");
    desk.kde = spawn("/usr/bin/python3", [script], { env: desk.env, stdio: ["pipe", "pipe", "inherit"] });
    desk.answers = createInterface({ input: desk.kde.stdout })[Symbol.asyncIterator]();
    await desk.answers.next();
    desk.bus = bus;
    await desk.begin();
    return desk;
  }

  get port() {
    return DESK_PORT;
  }

  get address() {
    return `127.0.0.1:${DESK_PORT}`;
  }

  /** Starts the daemon. */
  async begin() {
    const log = fs.openSync(path.join(this.work, "log"), "a");
    const arguments_ = ["--config", path.join(this.work, "config.toml")];
    this.daemon = spawn(path.join(this.bindir, "deskconnd"), arguments_, { env: this.env, stdio: ["ignore", "ignore", log] });
    fs.closeSync(log);
    await until("the daemon is ready", () => this.isReady());
  }

  isReady() {
    if (this.daemon.exitCode !== null) throw new Error(`the daemon ended: ${fs.readFileSync(path.join(this.work, "log"))}`);
    try {
      this.ctl("call", "org.deskconn.info.get");
      return true;
    } catch {
      return false;
    }
  }

  async kill() {
    const ended = once(this.daemon, "exit");
    this.daemon.kill("SIGKILL");
    await ended;
  }

  ctl(...words) {
    const owner = ["--at", `unix:${this.work}/run/deskconn.sock`, "--json"];
    const said = execFileSync(path.join(this.bindir, "deskconnctl"), [...owner, ...words], { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    return said.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Opens a window; `paired` has the device when it is over. */
  async pair() {
    const owner = ["--at", `unix:${this.work}/run/deskconn.sock`, "--json", "pair", "--yes", "--no-qr"];
    const window = spawn(path.join(this.bindir, "deskconnctl"), owner, { env: this.env, stdio: ["pipe", "pipe", "ignore"] });
    const events = createInterface({ input: window.stdout })[Symbol.asyncIterator]();
    const { code } = JSON.parse((await events.next()).value);
    const paired = (async () => {
      for await (const line of events) {
        const event = JSON.parse(line);
        if (event.event === "paired") return event.device;
      }
      throw new Error("the window closed, and nobody was paired");
    })();
    return { code, paired };
  }

  /** What KDE has: by display its percent, and how often it was set; whether it is locked. */
  async shown(line = "show") {
    this.kde.stdin.write(`${line}\n`);
    return JSON.parse((await this.answers.next()).value);
  }

  /** Somebody moves KDE's own slider. */
  async move(display, percent) {
    await this.shown(`${display} ${percent}`);
  }

  async becomes(percent, display = "panel") {
    await until(`the ${display} has ${percent} %`, async () => {
      const shown = await this.shown();
      return shown[display].percent === percent || shown;
    });
  }

  async stop() {
    this.kde.stdin.end();
    await once(this.kde, "exit");
    this.daemon.kill("SIGTERM");
    this.bus.kill("SIGTERM");
    const log = fs.readFileSync(path.join(this.work, "log"), "utf8");
    assert.ok(!log.includes("panicked"), log);
  }
}

/** A video without a file: what is painted on a canvas. */
const VIDEO = `const canvas = document.createElement('canvas');
  const paint = () => { canvas.getContext('2d').fillRect(0, 0, 9, 9); requestAnimationFrame(paint); };
  paint();
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream();`;
const full = (element) => `document.body.onclick = () => document.fullscreenElement ? document.exitFullscreen() : ${element}.requestFullscreen();`;
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

/**
 * The extension as its user has it who said yes to the browser's question about sites: nothing without a screen can press
 * that button, so here the manifest demands what it otherwise asks for.
 */
export function allowed(extension, work) {
  const copy = path.join(work, "extension");
  fs.cpSync(extension, copy, { recursive: true });
  const file = path.join(copy, "manifest.json");
  const { optional_host_permissions: host_permissions, ...manifest } = JSON.parse(fs.readFileSync(file, "utf8"));
  fs.writeFileSync(file, JSON.stringify({ ...manifest, host_permissions }));
  return copy;
}

/** Chromium with the extension. */
export class Browser {
  static async open(profile, extension, more = {}) {
    const browser = new Browser();
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: "/usr/bin/chromium",
      headless: true,
      timeout: 60_000,
      // Playwright switches extensions off unless it is told not to.
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [
        "--no-sandbox",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        `--disable-extensions-except=${extension}`,
        `--load-extension=${extension}`,
      ],
      ...more,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
    return Object.assign(browser, { profile, context, id: new URL(worker.url()).host });
  }

  /** A page of the extension. */
  async own(name) {
    const page = await this.context.newPage();
    await page.goto(`chrome-extension://${this.id}/${name}`);
    return page;
  }

  /** A page with a video, which the extension knows of already. */
  async page(address) {
    const page = await this.context.newPage();
    await page.goto(address);
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

/** Makes the page's video full screen, or ends that, by a click as browsers demand it. */
export async function toggle(page) {
  const was = await page.evaluate(() => document.fullscreenElement !== null);
  await page.mouse.click(40, 40);
  await page.waitForFunction((was) => (document.fullscreenElement !== null) !== was, was);
}
