// Looks at a page as somebody does who cannot see it, or has thick fingers: axe, and the size of what is tapped.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** In CSS pixels: what a thumb hits without looking (WCAG 2.2, 2.5.5). */
const TARGET = 44;

/** Throws where something is wrong with what the page shows now. */
export async function audit(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The page's own policy allows it no script but the daemon's: this one comes from outside.
    const found = await page.evaluate(`(() => { ${AXE}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
    const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    assert.deepEqual(violations, [], `${name}, ${colorScheme}`);
  }
  const small = await page.evaluate((least) => {
    const targets = [...document.querySelectorAll("button, a[href], input, select, textarea, [role=switch], summary")];
    const sizes = targets.map((target) => {
      // A field's label is tapped as well as the field.
      const box = (target.closest("label") ?? target).getBoundingClientRect();
      return { html: target.outerHTML.slice(0, 120), width: box.width, height: box.height };
    });
    return sizes.filter(({ width, height }) => width > 0 && (width < least || height < least));
  }, TARGET);
  assert.deepEqual(small, [], `${name}: targets of less than ${TARGET} pixels`);
  const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beside <= 0, `${name}: the page is ${beside} pixels wider than the phone`);
}
