import { existsSync, globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  importViolations,
  MAY_IMPORT,
  type Manifest,
  PURE_PACKAGES,
  purityViolations,
  type SourceFile,
  type Violation,
} from "../src/layers.ts";
import { importsOf, tokensOf } from "../src/sourceTokens.ts";

const PACKAGES = new URL("../../packages/", import.meta.url).pathname;

function manifestOf(name: string): Manifest {
  const { dependencies } = JSON.parse(readFileSync(`${PACKAGES}${name}/package.json`, "utf8")) as {
    dependencies?: { [name: string]: string };
  };
  return { dependencies: Object.keys(dependencies ?? {}) };
}

/** Source of all packages: what runs, tests and generators aside. */
const files: readonly SourceFile[] = globSync("*/{src,bin}/**/*.{ts,js,mts,tsx}", { cwd: PACKAGES }).map((path) => {
  const [name, ...rest] = path.split("/");
  return { package: name!, path: rest.join("/"), text: readFileSync(`${PACKAGES}${path}`, "utf8") };
});

const planted = (name: string, text: string, path = "src/planted.ts"): SourceFile => ({ package: name, path, text });
const kinds = (violations: readonly Violation[]): string[] => violations.map(({ kind }) => kind);
const imports = (name: string, text: string, dependencies: string[] = [], path?: string): string[] =>
  kinds(importViolations(planted(name, text, path), { dependencies }));
const names = (text: string): string[] => purityViolations(planted("roles", text)).map(({ what }) => what);

describe("the packages", () => {
  it("import only what their layer may, and declare what they import", () => {
    const manifests = new Map(files.map((file) => [file.package, manifestOf(file.package)]));
    expect(files.flatMap((file) => importViolations(file, manifests.get(file.package)!))).toEqual([]);
  });

  it("declare no package of ours beyond their layer", () => {
    for (const [name, allowed] of Object.entries(MAY_IMPORT)) {
      if (!existsSync(`${PACKAGES}${name}/package.json`)) continue;
      const ours = manifestOf(name).dependencies.filter((dependency) => dependency.startsWith("@mvm/"));
      for (const dependency of ours) expect(allowed, `${name} declares ${dependency}`).toContain(dependency.slice(5));
    }
  });

  it("are pure where they are said to be", () => {
    expect(files.flatMap(purityViolations)).toEqual([]);
  });

  it("are all read: the pure ones, and imports in them", () => {
    expect(files.filter(({ package: name }) => name === "protocol").length).toBeGreaterThan(20);
    const found = files.flatMap(({ text }) => importsOf(tokensOf(text)));
    expect(found.length).toBeGreaterThan(100);
    expect(found.some(({ specifier }) => specifier === "@mvm/protocol")).toBe(true);
  });
});

describe("planted imports are caught", () => {
  const all = Object.keys(MAY_IMPORT);

  it("of every package by every other that may not", () => {
    for (const from of all)
      for (const to of all) {
        const expected = MAY_IMPORT[from]!.includes(to) ? [] : ["layer"];
        expect(imports(from, `import { x } from "@mvm/${to}";`, [`@mvm/${to}`]), `${from} imports ${to}`).toEqual(
          expected,
        );
      }
  });

  it("the table is that of design page 00", () => {
    const only = (name: string): readonly string[] => [...MAY_IMPORT[name]!].sort();
    expect(only("protocol")).toEqual([]);
    for (const name of ["roles", "evm", "state", "network", "l1", "explorer", "service-sdk"])
      expect(only(name)).toEqual(["protocol"]);
    expect(only("confidential")).toEqual(["network", "protocol", "state"]);
    expect(only("rpc")).toEqual(["evm", "protocol", "state"]);
    expect(only("cli")).toEqual(["node", "protocol"]);
    expect(only("node")).toEqual(["confidential", "evm", "l1", "network", "protocol", "roles", "rpc", "state"]);
  });

  it("in every form of import and export", () => {
    for (const text of [
      `import "@mvm/evm";`,
      `import x from "@mvm/evm";`,
      `import * as x from '@mvm/evm'`,
      `import x, { y as from } from "@mvm/evm";`,
      `import type { X } from "@mvm/evm";`,
      `import { type X, type from } from "@mvm/evm";`,
      `import {\n  a,\n  b, // c\n} from /* d */ "@mvm/evm";`,
      `export { x } from "@mvm/evm";`,
      `export type { X } from "@mvm/evm";`,
      `export * from "@mvm/evm";`,
      `export * as evm from "@mvm/evm";`,
      `export type * from "@mvm/evm";`,
      `const x = await import("@mvm/evm");`,
      `const x = await import(\n  /* y */ "@mvm/evm"\n);`,
      "const x = await import(`@mvm/evm`);",
      `const y = \`a\${ await import('@mvm/evm') }b\`;`,
      `type X = import("@mvm/evm").X;`,
      `const x = require("@mvm/evm");`,
      `const quote = /"/; import "@mvm/evm"; const other = "";`,
      `const half = a / 2; import "@mvm/evm"; const rest = b / 2;`,
    ])
      expect(imports("roles", text, ["@mvm/evm"]), text).toEqual(["layer"]);
  });

  it("of a package's inner files, of files outside the package, of names that are computed", () => {
    expect(imports("roles", `import "@mvm/protocol/src/hex.ts";`, ["@mvm/protocol"])).toEqual(["deep-import"]);
    expect(imports("roles", `import "@mvm/protocol/blobs";`, ["@mvm/protocol"])).toEqual([]);
    expect(imports("roles", `import "@mvm/protocol/blobs";`)).toEqual(["undeclared-dependency"]);
    expect(imports("roles", `import "@mvm/protocol/blobs.ts";`, ["@mvm/protocol"])).toEqual(["deep-import"]);
    expect(imports("roles", `import "../../protocol/src/hex.ts";`)).toEqual(["outside-package"]);
    expect(imports("roles", `import "../test/world.ts";`)).toEqual(["outside-package"]);
    expect(imports("roles", `import "../hex.ts";`, [], "src/inner/a.ts")).toEqual([]);
    expect(imports("roles", `import "../../x.ts";`, [], "src/inner/a.ts")).toEqual(["outside-package"]);
    expect(imports("cli", `import "../src/main.ts";`, [], "bin/mvm.js")).toEqual([]);
    expect(imports("cli", `import "../test/world.ts";`, [], "bin/mvm.js")).toEqual(["outside-package"]);
    expect(imports("evm", `import "/tmp/x.ts";`)).toEqual(["outside-package"]);
    expect(imports("evm", `import "data:text/javascript,0";`)).toEqual(["outside-package"]);
    expect(imports("evm", "await import(name);")).toEqual(["computed-import"]);
    expect(imports("evm", `await import(\`@mvm/\${name}\`);`)).toEqual(["computed-import"]);
  });

  it("of npm packages that the package does not declare", () => {
    expect(imports("evm", `import "ethers";`)).toEqual(["undeclared-dependency"]);
    expect(imports("evm", `import "ethers/crypto";`, ["ethers"])).toEqual([]);
    expect(imports("evm", `import "@noble/curves/bls12-381.js";`)).toEqual(["undeclared-dependency"]);
    expect(imports("evm", `import "@noble/curves/bls12-381.js";`, ["@noble/curves"])).toEqual([]);
    expect(imports("evm", `import "@mvm/protocol";`)).toEqual(["undeclared-dependency"]);
  });

  it("by a package that the table does not know", () => {
    expect(imports("unheard-of", "")).toEqual(["unknown-package"]);
  });

  it("of Node's modules by pure packages only, with and without prefix", () => {
    for (const name of PURE_PACKAGES)
      for (const module of ["node:fs", "fs", "fs/promises", "node:crypto"])
        expect(imports(name, `import "${module}";`), `${name} ${module}`).toEqual(["impure-import"]);
    expect(imports("state", `import "node:fs";`)).toEqual([]);
  });

  it("and nothing else is: comments, texts, members and names that look like imports", () => {
    for (const text of [
      `// import "@mvm/evm";`,
      `/* import "@mvm/evm"; */`,
      `const text = 'import "@mvm/evm"';`,
      'const text = `import "@mvm/evm"`;',
      `const x = import.meta.url;`,
      `export const from = "@mvm/evm";`,
      `export { x }; const from = "@mvm/evm";`,
      `export type X = { readonly from: "@mvm/evm" };`,
      `loader.import("@mvm/evm");`,
      `const pattern = /import "@mvm\\/evm"/;`,
    ])
      expect(imports("roles", text), text).toEqual([]);
  });
});

describe("planted impurities are caught", () => {
  it("each name", () => {
    const uses: { readonly [name: string]: string } = {
      Date: "const now = Date.now();",
      Temporal: "Temporal.Now.instant();",
      "Math.random": "const chance = Math.random();",
      setTimeout: "setTimeout(() => {}, 1);",
      setInterval: "setInterval(() => {}, 1);",
      setImmediate: "setImmediate(() => {});",
      queueMicrotask: "queueMicrotask(() => {});",
      process: "const path = process.env['PATH'];",
      fetch: "await fetch(url);",
      performance: "performance.now();",
      crypto: "crypto.getRandomValues(bytes);",
      console: "console.log(1);",
      globalThis: "globalThis['Date'].now();",
    };
    for (const [name, text] of Object.entries(uses)) expect(names(text), text).toContain(name);
    expect(names("const x = { at: new Date() };")).toEqual(["Date"]);
    expect(names("const x = [...process.argv];")).toEqual(["process"]);
    expect(names(`const x = \`\${Date.now()}\`;`)).toEqual(["Date"]);
    expect(names('const random = Math["random"]();')).toEqual(["Math.random"]);
    expect(names("const random = Math?.random();")).toEqual(["Math.random"]);
    expect(names("const { random } = Math;")).toEqual(["Math"]);
    expect(names("AbortSignal.timeout(5);")).toEqual(["AbortSignal.timeout"]);
    expect(names("Atomics.wait(view, 0, 0);")).toEqual(["Atomics.wait"]);
    expect(names("global.Date; eval(text);")).toEqual(["global", "eval"]);
  });

  it("with the line they stand on", () => {
    const text = "/* one\n two */\nconst text = `\n`;\nDate.now();\n";
    expect(purityViolations(planted("protocol", text))).toEqual([
      { kind: "impure-name", file: "protocol/src/planted.ts", line: 5, what: "Date" },
    ]);
  });

  it("and nothing else is: comments, texts, members, keys; other packages may", () => {
    for (const text of [
      "// Date",
      "/** process */",
      '"Date.now()"',
      "`process`",
      "job.process(1);",
      "x = { fetch: 1, process: 2 };",
      "const larger = Math.max(1, 2) + Math.min(3);",
      "const stop = AbortSignal.any([a, b]);",
    ])
      expect(names(text), text).toEqual([]);
    expect(purityViolations(planted("node", "Date.now();"))).toEqual([]);
  });
});
