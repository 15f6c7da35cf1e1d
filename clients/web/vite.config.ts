// The phone app: index.html, one script, one style sheet, hashed below /assets, which the daemon serves as immutable.
import { defineConfig } from 'vite';

export default defineConfig({
  build: {
    // The oldest browsers with everything that is used: BigInt and private fields, `:has` is not.
    target: ['chrome100', 'firefox100', 'safari15.4'],
    // The policy of the page lets nothing run or style that is not a file of the desktop.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licenses.txt' },
  },
});
