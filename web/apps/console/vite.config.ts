import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dev` serves the console against a server that runs elsewhere. */
const server = process.env.BASE ?? 'http://127.0.0.1:8080';

/** The console is served at `/admin`, its files at `/admin/assets`. */
export default defineConfig({
  base: '/admin/',
  plugins: [react()],
  build: { target: 'es2022', chunkSizeWarningLimit: 900, assetsInlineLimit: 0 },
  server: { proxy: { '/sinew': server, '/sync': server } },
});
