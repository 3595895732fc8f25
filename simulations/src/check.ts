/** `npm run check`: everything that can be said of the code without running the product. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** Each step with what it says when it fails: the command to mend it, where there is one. */
const STEPS: readonly { readonly name: string; readonly command: readonly string[]; readonly mend?: string }[] = [
  { name: "format and lint", command: ["biome", "ci", "--colors=off", "."], mend: "npm run format" },
  { name: "format of contracts", command: ["forge", "fmt", "--root", "contracts", "--check"], mend: "npm run format" },
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "dead code and dependencies", command: ["knip"] },
  { name: "layers and purity", command: ["vitest", "run", "simulations/test/layers.test.ts"] },
  { name: "generated files", command: ["node", "packages/l1/generate.ts", "--check"], mend: "npm run generate" },
  {
    name: "generated preinstalls",
    command: ["node", "packages/protocol/generatePreinstalls.ts", "--check"],
    mend: "npm run generate",
  },
  {
    name: "gas",
    command: [
      "forge",
      "snapshot",
      "--root",
      "contracts",
      "--check",
      "contracts/.gas-snapshot",
      "--match-path",
      "test/**/*Gas.t.sol",
    ],
    mend: "forge snapshot --root contracts --snap contracts/.gas-snapshot --match-path 'test/**/*Gas.t.sol'",
  },
];

/** Runs a command in the root; gives its exit code and all that it printed. */
function run([command, ...args]: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command!, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

let failed = 0;
for (const { name, command, mend } of STEPS) {
  const { code, output } = await run(command);
  process.stdout.write(`${code === 0 ? "ok    " : "FAILED"} ${name}\n`);
  if (code === 0) continue;
  failed += 1;
  process.stdout.write(`${output}\n${mend === undefined ? "" : `to mend it: ${mend}\n`}`);
}
process.stdout.write(`${STEPS.length - failed} of ${STEPS.length} checks hold\n`);
process.exitCode = failed === 0 ? 0 : 1;
