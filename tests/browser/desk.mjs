// A desktop of its own: a daemon that can be killed and started again, its owner's `deskconnctl` on a real terminal, and,
// where the daemon stands on the stage, the knobs of its machine.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

/** Nothing here takes longer, unless it hangs: not on a busy machine either, beside other stages. */
export const PATIENCE_MS = 60_000;

/** Gives what `look` gives as soon as that is not false, undefined or null; looks at what cannot tell of itself. */
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== undefined && seen !== null) return seen;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export class Desk {
  /** `program` is deskconnd, or the stage; `within` is the namespace of the network that it is on; `bus` is its D-Bus. */
  constructor({ home, bindir, program = "stage", listen = "127.0.0.1:5020", more = "", within = null, bus = "unix:path=/nowhere" }) {
    this.bus = bus;
    this.home = home;
    this.bindir = bindir;
    this.program = program === "stage" ? process.env.DESKCONN_STAGE : `${bindir}/${program}`;
    this.prefix = within ? ["ip", "netns", "exec", within] : [];
    this.socket = `${home}/run/deskconn.sock`;
    for (const directory of [home, `${home}/run`]) fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(`${home}/config.toml`, `[listen]\ntcp = ["${listen}"]\nunix = "${this.socket}"\n${more.includes("[discovery]") ? "" : "[discovery]\nenabled = false\n"}${more}`);
  }

  get log() {
    return fs.readFileSync(`${this.home}/log`, "utf8");
  }

  async start() {
    const log = fs.openSync(`${this.home}/log`, "a");
    const from = fs.fstatSync(log).size;
    const env = { ...process.env, HOME: this.home, STATE_DIRECTORY: `${this.home}/state`, RUNTIME_DIRECTORY: `${this.home}/run`, DBUS_SESSION_BUS_ADDRESS: this.bus, DBUS_SYSTEM_BUS_ADDRESS: this.bus };
    const [program, ...words] = [...this.prefix, this.program, "--config", `${this.home}/config.toml`];
    this.child = spawn(program, words, { env, stdio: ["pipe", "pipe", log] });
    fs.closeSync(log);
    this.ended = once(this.child, "exit");
    this.answers = createInterface({ input: this.child.stdout });
    await until("the daemon is ready", () => {
      assert.equal(this.child.exitCode, null, this.log.slice(from));
      return this.log.slice(from).includes(" ready ");
    });
    return this;
  }

  /** Ends it as a power cut does. */
  async kill() {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  async stop() {
    this.child.kill("SIGTERM");
    await this.ended;
    assert.ok(!this.log.includes("panicked"), this.log);
  }

  /** Something happens at the machine of the stage; gives what it answers. */
  async say(line) {
    const answer = once(this.answers, "line");
    this.child.stdin.write(`${line}\n`);
    const said = JSON.parse((await answer)[0]);
    assert.equal(said.error, undefined, said.error);
    return said;
  }

  report() {
    return this.say("report");
  }

  /** A command of the owner's; gives the values that it printed. */
  ctl(...words) {
    const out = execFileSync(`${this.bindir}/deskconnctl`, ["--at", `unix:${this.socket}`, "--json", ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    return out.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** A command of the owner's that goes on. */
  spawned(...words) {
    return spawn(`${this.bindir}/deskconnctl`, ["--at", `unix:${this.socket}`, "--json", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  }

  call(...words) {
    return this.ctl("call", ...words)[0].args[0];
  }

  /** `deskconnctl pair` on a terminal, as a person has it. */
  pair(...words) {
    return new Terminal([`${this.bindir}/deskconnctl`, "--at", `unix:${this.socket}`, "pair", ...words]);
  }
}

/** A program on a terminal of its own. */
export class Terminal {
  constructor(command) {
    this.text = "";
    const line = `stty cols 100 rows 60; exec ${command.map((word) => `'${word}'`).join(" ")}`;
    this.child = spawn("script", ["--quiet", "--flush", "--return", "--command", line, "/dev/null"], { env: { ...process.env, TERM: "xterm-256color" }, stdio: ["pipe", "pipe", "inherit"] });
    this.ended = once(this.child, "exit").then(([code]) => code);
    this.child.stdout.on("data", (bytes) => { this.text += bytes; });
  }

  /** What a person reads, without colours. */
  get plain() {
    return this.text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replace(/\r/g, "\n");
  }

  /** Waits until this can be read; gives the match. */
  shows(pattern) {
    return until(`the terminal shows ${pattern}, not ${this.plain.slice(-2000)}`, () => this.plain.match(pattern));
  }

  async link() {
    return (await this.shows(/http:\/\/\S+#p=1\.[\w-]{48}/))[0];
  }

  async code() {
    return (await this.shows(/\b[1-9]\d{3}-\d{4}\b/))[0];
  }

  /** Answers the question about the device. */
  async answer(word) {
    await this.shows(/Allow\?/);
    this.child.stdin.write(`${word}\n`);
  }

  async end() {
    if (this.child.exitCode !== null) return;
    this.child.stdin.write("\x03");
    await this.ended;
  }
}
