import { defineConfig } from 'vitest/config';

/** The node behind `npm run dev`. */
const NODE = 'http://localhost:8080';

export default defineConfig({
  base: '/',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/config.js': NODE,
      '/xmpp-websocket': { target: NODE, ws: true },
      '/colibri-ws': { target: NODE, ws: true },
    },
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
  },
});
