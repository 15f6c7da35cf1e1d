// Writes a .gz beside each text file of dist, so that the daemon compresses nothing while it serves, and fails when the
// app has grown past what a phone should load.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** All that a phone may load, compressed: under a second on a bad Wi-Fi of 1 Mbit/s. */
const BUDGET_BYTES = 120 * 1024;
/** For other pages and for readers; the app loads neither. */
const NOT_OF_THE_APP = ['deskconn.js', 'licenses.txt'];
const TEXT = ['.html', '.js', '.css', '.svg', '.webmanifest', '.txt'];

const dist = fileURLToPath(new URL('./dist', import.meta.url));
const files = fs.readdirSync(dist, { recursive: true }).map(String).filter((name) => fs.statSync(path.join(dist, name)).isFile());
let total = 0;
for (const name of files.sort()) {
  const bytes = fs.readFileSync(path.join(dist, name));
  const isText = TEXT.includes(path.extname(name));
  const sent = isText ? gzipSync(bytes, { level: 9 }) : bytes;
  if (isText) fs.writeFileSync(path.join(dist, `${name}.gz`), sent);
  const counts = !NOT_OF_THE_APP.includes(name);
  if (counts) total += sent.length;
  console.log(`${String(sent.length).padStart(8)} ${counts ? ' ' : '-'} ${name}`);
}
console.log(`${String(total).padStart(8)}   of ${BUDGET_BYTES} bytes`);
if (total > BUDGET_BYTES) {
  console.error(`FAIL the app is ${total - BUDGET_BYTES} bytes too large`);
  process.exit(1);
}
