import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePeerKey } from "@mvm/network";
import { toHex } from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG_FILE, loadConfig } from "../src/config.ts";
import { initNode } from "../src/initNode.ts";
import { accountOf, KEYS_DIRECTORY, loadAccountKey, loadKeys, prepareKeys } from "../src/keys.ts";
import { OPEN_KEYS_FILE } from "../src/openKeys.ts";
import { type Password, toPassword } from "../src/password.ts";
import { NETWORK_FILE, SCRYPT_N } from "./settings.ts";

const PASSWORD = "correct horse";
/** A key file as the program wrote it before there were keystores, but for the peer key, whose bytes are the network's affair. */
const OPEN_KEYS = {
  version: 1,
  l1: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
  bls: "0x2cd4ba406b522459d57a0bed51a397435c0bb11dd5f3ca1152b3694bb91d7c22",
};
const OPERATOR = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

let root: string;
let dataDir: string;
let openKeys: typeof OPEN_KEYS & { readonly peer: string };
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-migration-"));
  dataDir = join(root, "node");
  await mkdir(dataDir);
  openKeys = { ...OPEN_KEYS, peer: toHex(await generatePeerKey()) };
  await writeFile(join(root, "network.json"), JSON.stringify(NETWORK_FILE));
});
afterEach(() => rm(root, { recursive: true }));

const unlocking = (text: string = PASSWORD, where: string = dataDir) => ({
  dataDir: where,
  scryptN: SCRYPT_N,
  password: async () => toPassword(text),
});
const writeOpenKeys = (value: unknown = openKeys, where: string = dataDir): Promise<void> =>
  writeFile(join(where, OPEN_KEYS_FILE), JSON.stringify(value), { mode: 0o600 });

async function expectMigrated(where: string = dataDir): Promise<void> {
  const keys = await loadKeys(unlocking(PASSWORD, where));
  expect([keys.l1, toHex(keys.peer), keys.identity.operator]).toEqual([openKeys.l1, openKeys.peer, OPERATOR]);
  expect(await readdir(where)).toEqual([KEYS_DIRECTORY]);
}

describe("open keys of an earlier version", () => {
  it.each([
    ["start", loadKeys],
    ["command", loadAccountKey],
    ["init", prepareKeys],
  ])("are sealed by the next %s, and then gone", async (_what, load) => {
    await writeOpenKeys();
    const asked: boolean[] = [];
    const password = async (isNew: boolean): Promise<Password> => {
      asked.push(isNew);
      return toPassword(PASSWORD);
    };
    await load({ ...unlocking(), password });
    expect(asked).toEqual([true]);
    await expectMigrated();
  });

  it("tell the account before", async () => {
    await writeOpenKeys();
    expect(await accountOf(dataDir)).toBe(OPERATOR);
    expect(await readdir(dataDir)).toEqual([OPEN_KEYS_FILE]);
  });

  it("stay where no password is given", async () => {
    await writeOpenKeys();
    const password = async (): Promise<Password> => toPassword("");
    await expect(loadKeys({ ...unlocking(), password })).rejects.toMatchObject({ code: "no-password" });
    expect(await readdir(dataDir)).toEqual([OPEN_KEYS_FILE]);
  });

  it("that were sealed, but not deleted, go only once the keystores are seen to hold them", async () => {
    await writeOpenKeys();
    await loadKeys(unlocking());
    await writeOpenKeys();
    await expect(loadKeys(unlocking("wrong"))).rejects.toMatchObject({ code: "wrong-password" });
    await expect(loadAccountKey(unlocking("wrong"))).rejects.toMatchObject({ code: "wrong-password" });
    expect((await readdir(dataDir)).sort()).toEqual([KEYS_DIRECTORY, OPEN_KEYS_FILE]);
    await loadAccountKey(unlocking());
    await expectMigrated();
  });

  it.each(["l1", "bls", "peer"] as const)("are not deleted where the keystores hold another %s key", async (name) => {
    const other = await mkdtemp(join(root, "other-"));
    await writeOpenKeys();
    await loadKeys(unlocking());
    await prepareKeys(unlocking(PASSWORD, other));
    const file = join(KEYS_DIRECTORY, `${name}.json`);
    await writeFile(join(dataDir, file), await readFile(join(other, file), "utf8"));
    await writeOpenKeys();
    const loading = loadKeys(unlocking());
    await expect(loading).rejects.toMatchObject({ name: "ConfigError", code: "invalid" });
    await expect(loading).rejects.toThrow(/hold different keys: move one/);
    expect(JSON.parse(await readFile(join(dataDir, OPEN_KEYS_FILE), "utf8"))).toEqual(openKeys);
  });

  it("of a newer version are refused as that, without asking for a password", async () => {
    await writeOpenKeys({ version: 2, keys: [] });
    const password = (): Promise<Password> => Promise.reject(new Error("asked"));
    for (const load of [loadKeys, prepareKeys, loadAccountKey])
      await expect(load({ ...unlocking(), password })).rejects.toMatchObject({
        name: "ConfigError",
        code: "newer-version",
      });
    expect(await readdir(dataDir)).toEqual([OPEN_KEYS_FILE]);
  });

  it.each<readonly [string, (keys: Record<string, unknown>) => unknown]>([
    ["a short key", (keys) => ({ ...keys, l1: "0x12" })],
    ["an upper-case key", (keys) => ({ ...keys, l1: `0x${"AB".repeat(32)}` })],
    ["an L1 key of zero", (keys) => ({ ...keys, l1: `0x${"00".repeat(32)}` })],
    ["a BLS key beyond the field", (keys) => ({ ...keys, bls: `0x${"ff".repeat(32)}` })],
    ["a peer key that is none", (keys) => ({ ...keys, peer: "0x1234" })],
    ["an unknown field", (keys) => ({ ...keys, more: 1 })],
    ["a field missing", ({ bls: _bls, ...keys }) => keys],
    ["nothing", () => null],
  ])("with %s are refused without showing a key, and stay", async (_what, damage) => {
    await writeOpenKeys(damage(openKeys));
    const error = await loadKeys(unlocking()).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ name: "ConfigError", code: "unreadable" });
    expect(error!.message).toContain(join(dataDir, OPEN_KEYS_FILE));
    for (const key of [openKeys.l1, openKeys.bls, openKeys.peer]) expect(error!.message).not.toContain(key);
    expect(await readdir(dataDir)).toEqual([OPEN_KEYS_FILE]);
  });
});

/** Runs a command of keysProcess.ts that is killed at its n-th change on the disk; whether there was an n-th. */
async function isKilled(command: "init" | "start", where: string, at: number): Promise<boolean> {
  const [crash, program] = ["crashAt.ts", "keysProcess.ts"].map((file) => join(import.meta.dirname, file));
  const args = ["--import", crash!, program!, command, where, join(root, "network.json"), PASSWORD];
  const child = spawn(process.execPath, args, { env: { ...process.env, CRASH_AT: String(at) } });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  expect([code, signal], errors).toEqual(signal === null ? [0, null] : [null, "SIGKILL"]);
  return signal === "SIGKILL";
}

/** Steps that each command has at least: a directory, three files and their texts, its name. */
const LEAST_STEPS = 8;
const MOST_STEPS = 64;
/** Processes at the same time. */
const LANES = 2;

/** Kills a command at each of its steps in turn, each time in a directory of its own, and looks at what it left. */
async function killAtEachStep(
  command: "init" | "start",
  prepare: (where: string) => Promise<void>,
  expectUsable: (where: string) => Promise<void>,
): Promise<void> {
  let next = 1;
  let steps = Number.POSITIVE_INFINITY;
  const lane = async (): Promise<void> => {
    while (next < Math.min(steps, MOST_STEPS)) {
      const at = next++;
      const where = join(root, `killed-${at}`);
      await mkdir(where);
      await prepare(where);
      if (!(await isKilled(command, where, at))) steps = Math.min(steps, at);
      await expectUsable(where);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(steps).toBeGreaterThan(LEAST_STEPS);
  expect(steps).toBeLessThan(MOST_STEPS);
}

const isWhole = (name: string): boolean => !name.includes(".new-");

describe("kill -9", () => {
  it("of an init, at any change that it makes on the disk, leaves a node, or what the next init completes", async () => {
    const prepare = async (): Promise<void> => undefined;
    await killAtEachStep("init", prepare, async (where) => {
      const there = await readdir(where);
      const before = there.includes(KEYS_DIRECTORY) ? (await loadKeys(unlocking(PASSWORD, where))).l1 : undefined;
      if (!there.includes(CONFIG_FILE)) {
        const { password } = unlocking();
        const networkFile = join(root, "network.json");
        const rest = { l1Url: "http://127.0.0.1:1", roles: ["gateway"], bootstrap: [], password };
        await initNode({ dataDir: where, networkFile, ...rest });
        expect(await readdir(where)).toEqual([CONFIG_FILE, KEYS_DIRECTORY]);
      }
      expect((await readdir(where)).filter(isWhole)).toEqual([CONFIG_FILE, KEYS_DIRECTORY]);
      await loadConfig(where, {}, {});
      const { l1 } = await loadKeys(unlocking(PASSWORD, where));
      if (before !== undefined) expect(l1).toBe(before);
    });
  });

  it("of the start that seals open keys, at any change that it makes on the disk, loses none", async () => {
    await killAtEachStep(
      "start",
      (where) => writeOpenKeys(openKeys, where),
      (where) => expectMigrated(where),
    );
  });
});
