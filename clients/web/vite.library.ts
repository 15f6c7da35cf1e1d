// deskconn.js: all of @deskconn/client as one ES module, for pages of the user's own. The app does not load it.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  publicDir: false,
  build: {
    target: ['chrome100', 'firefox100', 'safari15.4'],
    emptyOutDir: false,
    reportCompressedSize: false,
    minify: true,
    // The packages inside ask for their licences to go along.
    rolldownOptions: { output: { postBanner: '/*! @deskconn/client; what is inside and its licences: /licenses.txt beside this file */' } },
    lib: {
      entry: fileURLToPath(new URL('../js/dist/src/index.js', import.meta.url)),
      formats: ['es'],
      fileName: () => 'deskconn.js',
    },
  },
});
