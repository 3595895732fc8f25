/** What the documents say is so: the walk-through runs as it is pasted, lists of names are whole. */
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const WALK_MS = 240_000;
/** Milliseconds that a walk which was broken off gets to end what it started. */
const END_MS = 20_000;
const BLOCK = /<!-- walk-through:begin -->\s*```bash\n([\s\S]*?)```\s*<!-- walk-through:end -->/;

const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const readme = textOf("README.md");

type Walk = { readonly code: number | null; readonly output: string; readonly errors: string };

/** Feeds lines to bash as pasting does. Whatever has not ended within the bound is ended with its whole process group. */
async function paste(lines: string, temporary: string): Promise<Walk> {
  const child = spawn("bash", ["-e", "-s"], { cwd: ROOT, detached: true, env: { ...process.env, TMPDIR: temporary } });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const end = (): void => {
    try {
      process.kill(-child.pid!, "SIGTERM");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const timer = setTimeout(end, WALK_MS);
  child.stdin.end(lines);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const code = await exited;
  clearTimeout(timer);
  if (code !== 0) end();
  await closed;
  return { code, output, errors };
}

describe("the walk-through of the README", () => {
  it(
    "works line by line, shows what it announces, and leaves nothing behind",
    async () => {
      const lines = BLOCK.exec(readme)?.[1] ?? "";
      expect(lines).toContain("npm run -s testnet");
      const temporary = await mkdtemp(join(tmpdir(), "mvm-walk-"));
      try {
        const { code, output, errors } = await paste(lines, temporary);
        expect(code, `${output}\n${errors}`).toBe(0);
        expect(output).toMatch(/^1000\.0{18}$/m);
        expect(output).toMatch(/^status +1 \(success\)$/m);
        expect(output).toMatch(/^1\.0{18}$/m);
        expect(output).toMatch(/^ +data: 0xc0ffee$/m);
        expect(output).toMatch(/"providers":\["0x[0-9a-f]+","0x[0-9a-f]+"\]/);
        const rebuilt = /^stateRoot: (0x[0-9a-f]{64})$/m.exec(output)?.[1];
        const served = output.trim().split("\n").at(-1);
        expect(rebuilt).toMatch(/^0x/);
        expect(served).toBe(rebuilt);
        expect((await readdir(temporary)).filter((name) => /^(mvm-|tmp\.)/.test(name))).toEqual([]);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    },
    WALK_MS + END_MS,
  );
});

type Manifest = { readonly [kind: string]: unknown; readonly scripts?: Readonly<Record<string, string>> };
const KINDS = ["dependencies", "devDependencies", "optionalDependencies"] as const;

const manifestOf = (path: string): Manifest => JSON.parse(textOf(path)) as Manifest;
const manifests = ["package.json", ...globSync("{packages/*,testnet,simulations}/package.json", { cwd: ROOT })];

describe("the lists of the documents", () => {
  it("dependencies.md names every package that is depended on, at its exact version, and no other", () => {
    const depended = manifests.flatMap((path) =>
      KINDS.flatMap((kind) => Object.entries((manifestOf(path)[kind] ?? {}) as Record<string, string>)),
    );
    const wanted = new Set(
      depended.filter(([name]) => !name.startsWith("@mvm/")).map(([name, version]) => `${name} ${version}`),
    );
    const rows = textOf("docs/dependencies.md").matchAll(/^\| `([^`]+)` \| ([^ |]+) \|/gm);
    expect(new Set([...rows].map(([, name, version]) => `${name} ${version}`))).toEqual(wanted);
  });

  it("the README names every JSON-RPC method that there is", () => {
    const methods = globSync("packages/rpc/src/*.ts", { cwd: ROOT }).flatMap((path) =>
      [...textOf(path).matchAll(/defineMethod\(\s*"(\w+)"/g)].map(([, name]) => name!),
    );
    expect(methods.length).toBeGreaterThan(30);
    expect(methods.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it("the README names no npm script that is not there", () => {
    const scripts = manifestOf("package.json").scripts ?? {};
    const named = [...readme.matchAll(/npm run (?:-s )?([a-z]+)/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(5);
    for (const name of new Set(named)) {
      expect(Object.keys(scripts)).toContain(name);
      const file = /^node (\S+)/.exec(scripts[name]!)?.[1];
      if (file !== undefined) expect(existsSync(join(ROOT, file)), file).toBe(true);
    }
  });

  it("links within the documents lead to files", () => {
    const documents = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];
    const broken = documents.flatMap((path) =>
      [...textOf(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
        .filter(([, target]) => !existsSync(join(ROOT, path, "..", target!)))
        .map(([, target]) => `${path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });
});
