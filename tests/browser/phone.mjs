// A phone in somebody's hand: Chromium with the app, told what to do on standard input. For tests whose phone lives in
// another network, or beside a virtual machine.
//
// usage: node phone.mjs PROFILE [NAME ADDRESS]...      each NAME is found at ADDRESS, as mDNS would tell
//
// A line is a list in JSON, the name of an act with its arguments; the answer is a line with `value`, or with `error`.

import { createInterface } from "node:readline";
import { launch } from "./stage.mjs";

const [profile, ...names] = process.argv.slice(2);
const rules = [];
for (let at = 0; at < names.length; at += 2) rules.push(`MAP ${names[at]} ${names[at + 1]}`);
const browser = await launch(profile, rules, { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true });
let page = browser.pages()[0] ?? (await browser.newPage());

const acts = {
  open: async (address) => { await page.goto(address); },
  /** Closes the app and opens it by its bookmark. */
  reopen: async (address) => {
    const old = page;
    page = await browser.newPage();
    await old.close();
    await page.goto(address);
  },
  /** To another screen of the app. */
  go: async (hash) => { await page.evaluate((hash) => { location.hash = hash; }, hash); },
  address: async () => page.url(),
  fill: async (id, text) => { await page.getByTestId(id).fill(text); },
  tap: async (id) => { await page.getByTestId(id).tap(); },
  text: async (id) => page.getByTestId(id).textContent(),
  wait: async (selector) => { await page.waitForSelector(selector, { timeout: 60_000 }); },
  count: async (selector) => page.locator(selector).count(),
  shows: async (text) => { await page.getByText(text).first().waitFor(); },
  slide: async (selector, value) => { await page.locator(selector).fill(String(value)); },
  body: async () => page.locator("body").innerText(),
  picture: async (file) => { await page.screenshot({ path: file }); },
};

process.stdout.write(`${JSON.stringify({ value: "ready" })}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...args] = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await acts[name](...args)) ?? null };
  } catch (error) {
    answer = { error: `${name} ${args}: ${error.message}\n${await page.locator("body").innerText().catch(() => "")}` };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
