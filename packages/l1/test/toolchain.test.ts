import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const bin = join(root, "node_modules/.bin");
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };

/** Exit code of `forge test` for a project with one test. */
function forgeTest(body: string): number | null {
  const project = mkdtempSync(join(tmpdir(), "mvm-forge-"));
  try {
    mkdirSync(join(project, "test"));
    const solc = join(root, "contracts/bin/solc");
    const lines = ["[profile.default]", `solc = "${solc}"`, "auto_detect_solc = false", "offline = true", "libs = []"];
    writeFileSync(join(project, "foundry.toml"), `${lines.join("\n")}\n`);
    const source = `pragma solidity 0.8.37; contract OneTest { function test_it() public pure { ${body} } }`;
    writeFileSync(join(project, "test/One.t.sol"), `// SPDX-License-Identifier: MIT\n${source}\n`);
    return spawnSync(join(bin, "forge"), ["test", "--root", project], { env, cwd: project }).status;
  } finally {
    rmSync(project, { recursive: true });
  }
}

describe("the toolchain", () => {
  it("a failing forge test makes forge fail, a passing one does not", () => {
    expect(forgeTest("require(1 + 1 == 2);")).toBe(0);
    expect(forgeTest("require(1 + 1 == 3);")).not.toBe(0);
  });

  it("generated ABIs, code and storage layouts are those of the sources", () => {
    const check = spawnSync(process.execPath, [join(root, "packages/l1/generate.ts"), "--check"], { cwd: root, env });
    expect(check.stderr.toString()).toBe("");
    expect(check.status).toBe(0);
  });
});
