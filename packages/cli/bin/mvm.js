#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// Modules are kept compiled, for threads too: most of what a command does is to load. Beside the program and not in a directory that others may write
// to, for what lies there is executed.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL("../node_modules/.cache/mvm", import.meta.url));
enableCompileCache(process.env.NODE_COMPILE_CACHE);
await import("../src/main.ts");
