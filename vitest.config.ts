import { defineConfig } from "vitest/config";

const tests = ["packages/*/test/**/*.test.ts", "testnet/test/**/*.test.ts", "simulations/test/**/*.test.ts"];

export default defineConfig({
  test: { include: tests, testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 2, reporters: ["default"] },
});
