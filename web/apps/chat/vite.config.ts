import { defineConfig } from 'vite';

const server = process.env.BASE ?? 'http://127.0.0.1:8080';

/** The visitor page is served at `/chat/demo`, its files at `/chat/assets`. */
export default defineConfig({
  base: '/chat/',
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: false },
  server: {
    proxy: {
      '/chat/demo/requests': server,
      '/chat/demo/topics': server,
      '/chat/demo/updates': { target: server, ws: true },
    },
  },
});
