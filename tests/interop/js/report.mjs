// Runs cases and says how they ended: a line `ok` or `FAIL` for each, the exit status for all.

import { isDeepStrictEqual, inspect } from "node:util";

// Longer than any case needs on a busy machine; a case that hangs must not stop the others.
const WITHIN_MS = 120_000;

export class Report {
  passed = 0;
  failed = 0;

  constructor(peer) {
    this.peer = peer;
  }

  async check(name, run) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${WITHIN_MS} ms`)), WITHIN_MS);
    });
    try {
      await Promise.race([run(), late]);
      this.passed += 1;
      console.log(`ok   ${this.peer}: ${name}`);
    } catch (error) {
      this.failed += 1;
      console.log(`FAIL ${this.peer}: ${name}: ${error?.stack ?? inspect(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async checkAll(cases, ...given) {
    for (const run of cases) {
      await this.check(sentence(run.name), () => run(...given));
    }
  }

  // Ends the program, whatever a library still keeps open.
  end(peer) {
    console.log(`${peer}: ${this.passed} passed, ${this.failed} failed`);
    process.exit(this.failed > 0 || this.passed === 0 ? 1 : 0);
  }
}

// anEventArrives → an event arrives
export function sentence(name) {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function equal(got, wanted) {
  if (!isDeepStrictEqual(got, wanted)) {
    const short = (value) => inspect(value, { depth: 6, maxStringLength: 200, maxArrayLength: 20 });
    throw new Error(`${short(got)} and not ${short(wanted)}`);
  }
}

// BigInts as numbers: ids fit.
export function plain(value) {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

export function sameBytes(got, wanted) {
  if (!(got instanceof Uint8Array) || Buffer.compare(got, wanted) !== 0) {
    throw new Error(`${inspect(got)} and not the bytes that were sent`);
  }
}

// A request that was refused, however the library says it.
export class Refused extends Error {
  constructor(uri, args = [], kwargs = {}) {
    super(`${uri} ${inspect(args)}`);
    Object.assign(this, { uri, args, kwargs });
  }
}

export async function refusedWith(promise, uri) {
  let result;
  try {
    result = await promise;
  } catch (error) {
    if (error instanceof Refused) {
      equal(error.uri, uri);
      return error;
    }
    throw error;
  }
  throw new Error(`was served with ${inspect(result)}`);
}

// Takes what comes and gives it out one by one.
export class Box {
  #waiting = [];
  #there = [];
  put = (thing) => {
    const taker = this.#waiting.shift();
    if (taker) taker(thing);
    else this.#there.push(thing);
  };
  isEmpty = () => this.#there.length === 0;
  get() {
    if (this.#there.length > 0) return Promise.resolve(this.#there.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
