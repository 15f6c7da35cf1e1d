// Looks at a page as somebody does who cannot see it, or has thick fingers: axe, and the size of what is tapped.

import fs from "node:fs";
import { createRequire } from "node:module";

const AXE = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** In CSS pixels: what a thumb hits without looking (WCAG 2.2, 2.5.5). */
const TARGET = 44;

/** Gives what is wrong with what the page shows now. */
export async function audit(page, name) {
  const wrong = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // The page's own policy allows it no script but the daemon's: this one comes from outside.
    const found = await page.evaluate(`(() => { ${AXE}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
    wrong.push(...found.violations.map(({ id, nodes }) => `${name}, ${colorScheme}: ${id}: ${nodes.map(({ html }) => html).join(" ")}`));
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
  wrong.push(...small.map(({ html, width, height }) => `${name}: ${width}x${height} is less than ${TARGET} pixels: ${html}`));
  const beside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (beside > 0) wrong.push(`${name}: the page is ${beside} pixels wider than the phone`);
  return wrong;
}
