// Firefox by Marionette, its own protocol for tests: `LENGTH:JSON` over TCP, [0, id, command, parameters] there and
// [1, id, error, result] back (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { PATIENCE_MS, until } from "./desk.mjs";

const PORT = 2829;
// Under which name WebDriver hands out elements (W3C WebDriver, section 12.1).
const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

export class Firefox {
  #id = 0;
  #waiting = new Map();
  #bytes = Buffer.alloc(0);

  /** Starts it with a new profile and these preferences. */
  static async open(profile, preferences) {
    const all = { "marionette.port": PORT, "app.update.disabledForTesting": true, "browser.shell.checkDefaultBrowser": false, ...preferences };
    fs.mkdirSync(profile, { recursive: true });
    const lines = Object.entries(all).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
    fs.writeFileSync(path.join(profile, "user.js"), lines.join("\n"));
    const firefox = new Firefox();
    const command = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", profile];
    firefox.process = spawn("firefox-esr", command, { stdio: "ignore", env: { ...process.env, HOME: profile } });
    await until("Firefox listens", () => firefox.#connect());
    await firefox.send("WebDriver:NewSession", { capabilities: { alwaysMatch: { timeouts: { implicit: PATIENCE_MS } } } });
    return firefox;
  }

  async #connect() {
    if (this.process.exitCode !== null) throw new Error("Firefox ended");
    const socket = net.connect(PORT, "127.0.0.1");
    const came = await Promise.race([once(socket, "data"), once(socket, "close").then(() => null)]).catch(() => null);
    if (!came) return false;
    // The first message says which protocol it is.
    socket.on("data", (bytes) => this.#received(bytes));
    this.socket = socket;
    return true;
  }

  #received(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      const colon = this.#bytes.indexOf(":");
      const length = Number(this.#bytes.toString("utf8", 0, Math.max(colon, 0)));
      if (colon < 0 || this.#bytes.length < colon + 1 + length) return;
      const [, id, error, result] = JSON.parse(this.#bytes.toString("utf8", colon + 1, colon + 1 + length));
      this.#bytes = this.#bytes.subarray(colon + 1 + length);
      const { done, fail } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) fail(new Error(`${error.error}: ${error.message}`));
      else done(result);
    }
  }

  send(command, parameters = {}) {
    const id = (this.#id += 1);
    const text = JSON.stringify([0, id, command, parameters]);
    this.socket.write(`${Buffer.byteLength(text)}:${text}`);
    return new Promise((done, fail) => this.#waiting.set(id, { done, fail }));
  }

  install(extension) {
    return this.send("Addon:Install", { path: extension, temporary: true });
  }

  /** Goes over to the tab that opens by itself at this address. */
  async follow(url) {
    await until(`${url} opens`, async () => {
      const handles = await this.send("WebDriver:GetWindowHandles");
      await this.send("WebDriver:SwitchToWindow", { handle: handles.at(-1) });
      return (await this.send("WebDriver:GetCurrentURL")).value === url;
    });
  }

  go(url) {
    return this.send("WebDriver:Navigate", { url });
  }

  async #element(selector) {
    const { value } = await this.send("WebDriver:FindElement", { using: "css selector", value: selector });
    return value[ELEMENT];
  }

  /** Does something to an element, as soon as it is shown. */
  #shown(selector, act) {
    return until(`${selector} is shown`, async () => {
      try {
        await act(await this.#element(selector));
        return true;
      } catch (error) {
        if (!/not interactable/.test(error.message)) throw error;
        return false;
      }
    });
  }

  click(selector) {
    return this.#shown(selector, (id) => this.send("WebDriver:ElementClick", { id }));
  }

  type(selector, text) {
    return this.#shown(selector, async (id) => {
      await this.send("WebDriver:ElementClear", { id });
      await this.send("WebDriver:ElementSendKeys", { id, text });
    });
  }

  async text(selector) {
    return (await this.send("WebDriver:GetElementText", { id: await this.#element(selector) })).value;
  }

  /** What a script in the page gives. */
  async evaluate(script) {
    return (await this.send("WebDriver:ExecuteScript", { script: `return ${script}`, args: [] })).value;
  }

  async close() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
  }
}
