import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dev` serves the desk against a server that runs elsewhere. */
const server = process.env.BASE ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: { 'graphql-ws': fileURLToPath(new URL('./src/link/no-graphql.ts', import.meta.url)) },
  },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 900,
    // Inlined assets would need `data:` in more places of the content-security policy.
    assetsInlineLimit: 0,
  },
  server: {
    proxy: {
      '/sinew': server,
      '/v1/wschannels': { target: server, ws: true },
    },
  },
});
