// The one build of the product: the SMART app, served by fhir-server under /app/.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({ base: '/app/', plugins: [react()], build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } } });
