import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerIdOf } from "@mvm/network";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG_FILE, loadConfig } from "../src/config.ts";
import { initNode } from "../src/index.ts";
import { KEYS_DIRECTORY, loadKeys, prepareKeys } from "../src/keys.ts";
import { type Password, toPassword } from "../src/password.ts";
import { NETWORK_FILE, SCRYPT_N } from "./settings.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-init-"));
});
afterEach(() => rm(root, { recursive: true }));

const password = async (): Promise<Password> => toPassword("correct horse");
const unlocking = (dataDir: string) => ({ dataDir, scryptN: SCRYPT_N, password });

describe("initNode", () => {
  const init = async (change: Record<string, unknown> = {}): Promise<Readonly<Record<string, unknown>>> => {
    const networkFile = join(root, "network.json");
    await writeFile(networkFile, JSON.stringify(NETWORK_FILE));
    const options = { dataDir: join(root, "node"), networkFile, l1Url: "http://127.0.0.1:1", roles: ["gateway"] };
    return initNode({ bootstrap: [], password, ...options, ...change });
  };

  it("makes a directory that loads, and tells who the operator is", async () => {
    const made = await init({ roles: ["provider", "sequencer"], settings: { logLevel: "warn" } });
    const dataDir = join(root, "node");
    const config = await loadConfig(dataDir, {}, {});
    const keys = await loadKeys(unlocking(dataDir));
    expect(config.roles).toEqual(["provider", "sequencer"]);
    expect(config.logLevel).toBe("warn");
    expect(made).toEqual({
      dataDir,
      operator: keys.identity.operator,
      peerId: peerIdOf(keys.peer),
      blsPublicKey: keys.identity.bls.publicKey,
    });
    expect(JSON.stringify(made)).not.toContain(keys.l1.slice(2));
  });

  it("seals the keys as lightly or hard as the network's profile has it", async () => {
    await init();
    const { crypto } = JSON.parse(await readFile(join(root, "node", KEYS_DIRECTORY, "l1.json"), "utf8"));
    expect(crypto.kdfparams.n).toBe(SCRYPT_N);
    await writeFile(join(root, "mainnet.json"), JSON.stringify({ ...NETWORK_FILE, profile: "mainnet" }));
    await init({ dataDir: join(root, "hard"), networkFile: join(root, "mainnet.json") });
    const hard = JSON.parse(await readFile(join(root, "hard", KEYS_DIRECTORY, "bls.json"), "utf8"));
    expect(hard.crypto.kdf.params).toMatchObject({ n: 262_144, r: 8, p: 1 });
  });

  it("refuses a directory that holds a configuration, and changes nothing there", async () => {
    const dataDir = await mkdtemp(join(root, "used-"));
    await writeFile(join(dataDir, CONFIG_FILE), "someone's");
    await expect(init({ dataDir })).rejects.toMatchObject({ name: "ConfigError", code: "invalid" });
    expect(await readdir(dataDir)).toEqual([CONFIG_FILE]);
    expect(await readFile(join(dataDir, CONFIG_FILE), "utf8")).toBe("someone's");
  });

  it("goes on with the keys of an attempt that ended before the configuration, by their password alone", async () => {
    const dataDir = await mkdtemp(join(root, "ended-"));
    const { identity } = await prepareKeys(unlocking(dataDir));
    const wrong = async (): Promise<Password> => toPassword("another");
    await expect(init({ dataDir, password: wrong })).rejects.toMatchObject({ code: "wrong-password" });
    expect(await readdir(dataDir)).toEqual([KEYS_DIRECTORY]);
    expect(await init({ dataDir })).toMatchObject({ operator: identity.operator });
    expect((await loadKeys(unlocking(dataDir))).identity.operator).toBe(identity.operator);
  });

  it("refuses a second node in the same directory", async () => {
    await init();
    const file = join(root, "node", KEYS_DIRECTORY, "l1.json");
    const before = await readFile(file, "utf8");
    await expect(init()).rejects.toThrow(/choose another directory/);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("of the same directory twice at once makes one node, whose keys are those that it told", async () => {
    const attempts = await Promise.allSettled([init(), init(), init()]);
    const told = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? [attempt.value["operator"]] : []));
    expect(told.length).toBe(1);
    for (const attempt of attempts)
      if (attempt.status === "rejected") expect(attempt.reason).toMatchObject({ name: "ConfigError" });
    const { identity } = await loadKeys(unlocking(join(root, "node")));
    for (const operator of told) expect(operator).toBe(identity.operator);
  });

  it("refuses a directory that is a file", async () => {
    const dataDir = join(root, "file");
    await writeFile(dataDir, "");
    await expect(init({ dataDir })).rejects.toMatchObject({ name: "ConfigError" });
  });

  it("without a password makes no keys", async () => {
    const none = async (): Promise<Password> => toPassword("");
    await expect(init({ password: none })).rejects.toMatchObject({ name: "ConfigError", code: "no-password" });
    expect(await readdir(join(root, "node"))).toEqual([]);
  });

  it.each<readonly [string, string, RegExp]>([
    ["no JSON", "{", /network\.json/],
    [
      "another version",
      JSON.stringify({ ...NETWORK_FILE, version: NETWORK_FILE.version + 1 }),
      new RegExp(`\\n {2}version: is not ${NETWORK_FILE.version},`),
    ],
    ["a contract missing", JSON.stringify({ ...NETWORK_FILE, contracts: {} }), /\n {2}contracts\.token: /],
  ])("refuses a network file with %s and makes nothing", async (_what, text, message) => {
    const networkFile = join(root, "network.json");
    await writeFile(networkFile, text);
    const initialising = initNode({
      dataDir: join(root, "node"),
      networkFile,
      l1Url: "http://127.0.0.1:1",
      roles: ["gateway"],
      bootstrap: [],
      password,
    });
    await expect(initialising).rejects.toMatchObject({ name: "ConfigError", code: "unreadable" });
    await expect(initialising).rejects.toThrow(message);
    expect(await readdir(root)).toEqual(["network.json"]);
  });

  it("refuses a network file that is not there", async () => {
    await expect(init({ networkFile: join(root, "nowhere.json") })).rejects.toMatchObject({ name: "ConfigError" });
  });

  it.each([[[]], [["miner"]], [["gateway", "miner"]]])("refuses the roles %o and makes nothing", async (roles) => {
    await expect(init({ roles })).rejects.toThrow(/roles/);
    expect(await readdir(root)).toEqual(["network.json"]);
  });
});
