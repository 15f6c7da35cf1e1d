// The stage: Chromium, the attacker's web server, and the daemon's log.
//
// It knows how to try things from a page and to see what came of them; what is tried is in attacks.mjs.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

import { PATIENCE_MS } from "./desk.mjs";

const EVIL_PORT = 8666;

export const DAEMON = "127.0.0.1:5020";
export const ALLOWING = "127.0.0.1:5021";
// A name of the attacker's that he lets point at this machine, and a page that is merely of another port.
export const EVIL = `http://evil.test:${EVIL_PORT}`;
export const NEIGHBOUR = `http://127.0.0.1:${EVIL_PORT}`;

/** Chromium with a profile of its own, for which a name is this machine; or with rules of its own about names. */
export async function launch(profile, names, { args = [], ...more } = {}) {
  const rules = Array.isArray(names) ? names.join(", ") : `MAP ${names} 127.0.0.1`;
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    timeout: PATIENCE_MS,
    args: [
      "--no-sandbox",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--disable-quic",
      ...(rules ? [`--host-resolver-rules=${rules}`] : []),
      ...args,
    ],
    ...more,
  });
  browser.setDefaultTimeout(PATIENCE_MS);
  return browser;
}

export async function stage(work) {
  const server = http.createServer((_, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>nothing to see here</title><body></body>");
  });
  await new Promise((done) => server.listen(EVIL_PORT, "127.0.0.1", done));
  const browser = await launch(path.join(work, "profile"), "evil.test");
  return {
    log: (name = "plain") => new Log(path.join(work, name, "log")),
    audit: (name = "plain") => fs.readFileSync(path.join(work, name, "state", "audit.jsonl"), "utf8"),
    // A page of an origin; for what it tries see `tries`.
    page: async (address) => {
      const page = await browser.newPage();
      const response = await page.goto(address);
      return Object.assign(page, { answer: response });
    },
    closePages: () => Promise.all(browser.pages().slice(1).map((page) => page.close())),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

/** The daemon's log, from the moment this is made. */
class Log {
  constructor(file) {
    this.file = file;
    this.from = fs.statSync(file).size;
  }

  lines() {
    return fs.readFileSync(this.file, "utf8").slice(this.from).split("\n").filter(Boolean);
  }

  /** Waits for a line with all of these words. */
  async says(...words) {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const line = this.lines().find((line) => words.every((word) => line.includes(word)));
      if (line) return line;
      if (Date.now() > until) throw new Error(`the daemon did not log ${words}; it logged ${this.lines().join("\n") || "nothing"}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }
}

/** What a page can try. Each runs in the page and gives what the page got. */
export const tries = {
  /** Opens a WebSocket; gives "open" with the subprotocol and the answer to a HELLO, or "closed". */
  websocket: async ([address, protocols]) => {
    const socket = protocols ? new WebSocket(address, protocols) : new WebSocket(address);
    const happens = (name) => new Promise((done) => socket.addEventListener(name, done, { once: true }));
    const first = await Promise.race([happens("open"), happens("close")]);
    if (first.type === "close") return { got: "closed" };
    socket.send(JSON.stringify([1, "deskconn", { roles: { caller: {} } }]));
    const answer = await Promise.race([happens("message"), happens("close")]);
    const protocol = socket.protocol;
    socket.close();
    return { got: "open", protocol, answer: answer.data ?? null };
  },

  fetch: async ([address, options]) => {
    try {
      const response = await fetch(address, options);
      return { type: response.type, status: response.status, body: await response.text() };
    } catch (error) {
      return { error: error.name };
    }
  },

  /** Puts an element with this source into the page; gives "load" or "error". */
  element: ([name, attribute, address]) =>
    new Promise((done) => {
      const element = document.createElement(name);
      element.onload = () => done("load");
      element.onerror = () => done("error");
      if (name === "link") element.rel = "stylesheet";
      element[attribute] = address;
      document.body.append(element);
    }),

  /** Runs a WebSocket in a frame without an origin. */
  sandboxed: ([address, protocol]) =>
    new Promise((done) => {
      addEventListener("message", (event) => done([event.origin, event.data]), { once: true });
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      frame.srcdoc = `<script>
        const socket = new WebSocket(${JSON.stringify(address)}, ${JSON.stringify(protocol)});
        socket.onopen = () => parent.postMessage("open", "*");
        socket.onclose = () => parent.postMessage("closed", "*");
      </script>`;
      document.body.append(frame);
    }),

  /** Runs a WebSocket in a worker. */
  inWorker: ([address, protocol]) =>
    new Promise((done) => {
      const code = `const socket = new WebSocket(${JSON.stringify(address)}, ${JSON.stringify(protocol)});
        socket.onopen = () => postMessage("open"); socket.onclose = () => postMessage("closed");`;
      const worker = new Worker(URL.createObjectURL(new Blob([code])));
      worker.onmessage = (event) => done(event.data);
    }),

  sharedWorker: (address) =>
    new Promise((done) => {
      try {
        new SharedWorker(address).onerror = () => done("error");
      } catch (error) {
        done(error.name);
      }
    }),

  eventSource: (address) =>
    new Promise((done) => {
      const source = new EventSource(address);
      source.onopen = () => done("open");
      source.onerror = () => done("error");
    }),
};
