import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running server (`veriscope serve --no-browser --port 8765`). */
const server = process.env.VERISCOPE_SERVER ?? "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react()],
  base: "/",
  resolve: {
    alias: [
      // Those of numcodecs make code from strings, which the page's security policy forbids.
      ...["blosc", "lz4", "zstd"].map((name) => ({
        find: `numcodecs/${name}`,
        replacement: fileURLToPath(new URL(`src/codecs/${name}.ts`, import.meta.url)),
      })),
      {
        find: "@vivjs/loaders",
        replacement: fileURLToPath(new URL("src/viewer/render/noLoaders.ts", import.meta.url)),
      },
    ],
  },
  // A strict content security policy allows no data: URLs for scripts and no inline code.
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 1500,
  },
  worker: { format: "es" },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/files"].map((path) => [path, { target: server, changeOrigin: true }]),
    ),
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
