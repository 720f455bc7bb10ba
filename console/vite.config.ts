import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// `npm run console:dev` shows the console of the sources, over an Ambit that runs beside it.
const AMBIT = process.env['AMBIT_URL'] ?? 'http://127.0.0.1:8787'
const INTERFACE = ['/v1', '/health', '/openapi.json', '/_demo']

export default defineConfig({
  root: import.meta.dirname,
  // Found beside the page, wherever a host serves it: the page says where by its <base>.
  base: './',
  plugins: [react()],
  build: {
    target: 'es2023',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0, // a data: URL of a font or an image would ask for a wider policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licences.md' },
  },
  // Scope events and answers are streams: they must not be held back.
  server: { proxy: Object.fromEntries(INTERFACE.map((path) => [path, { target: AMBIT }])) },
})
