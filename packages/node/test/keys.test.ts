import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerIdOf } from "@mvm/network";
import { signerOf, verifyBls } from "@mvm/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG_FILE, loadConfig } from "../src/config.ts";
import { initNode } from "../src/index.ts";
import { createKeys, KEYS_FILE, loadKeys } from "../src/keys.ts";
import { NETWORK_FILE } from "./settings.ts";
import { hashOfText } from "./world.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-keys-"));
});
afterEach(() => rm(root, { recursive: true }));

const ZERO_KEY = `0x${"00".repeat(32)}`;

describe("keys", () => {
  it("are made readable and writable by their owner alone", async () => {
    await createKeys(root);
    expect((await stat(join(root, KEYS_FILE))).mode & 0o777).toBe(0o600);
  });

  it("are never overwritten", async () => {
    const made = await createKeys(root);
    const before = await readFile(join(root, KEYS_FILE), "utf8");
    await expect(createKeys(root)).rejects.toMatchObject({ name: "ConfigError" });
    expect(await readFile(join(root, KEYS_FILE), "utf8")).toBe(before);
    expect((await loadKeys(root)).identity.operator).toBe(made.identity.operator);
  });

  it("differ from directory to directory", async () => {
    const first = await createKeys(root);
    const second = await createKeys(await mkdtemp(join(root, "other-")));
    expect(second.identity.operator).not.toBe(first.identity.operator);
    expect(second.identity.bls.publicKey).not.toBe(first.identity.bls.publicKey);
    expect(peerIdOf(second.peer)).not.toBe(peerIdOf(first.peer));
  });

  it("sign after loading: recoverable to the operator, and verifiable under the BLS key", async () => {
    await createKeys(root);
    const { identity } = await loadKeys(root);
    const digest = hashOfText("digest");
    expect(signerOf(digest, identity.signDigest(digest))).toBe(identity.operator);
    expect(verifyBls(digest, identity.bls.publicKey, identity.bls.sign(digest))).toBe(true);
    expect(verifyBls(hashOfText("other"), identity.bls.publicKey, identity.bls.sign(digest))).toBe(false);
  });

  it("that are missing tell to run init", async () => {
    const loading = loadKeys(root);
    await expect(loading).rejects.toMatchObject({ name: "ConfigError", code: "missing" });
    await expect(loading).rejects.toThrow(`mvm init --data ${root}`);
  });

  it.each<readonly [string, (keys: Record<string, unknown>) => unknown]>([
    ["another version", (keys) => ({ ...keys, version: 2 })],
    ["a short key", (keys) => ({ ...keys, l1: "0x12" })],
    ["an upper-case key", (keys) => ({ ...keys, l1: `0x${"AB".repeat(32)}` })],
    ["an L1 key of zero", (keys) => ({ ...keys, l1: ZERO_KEY })],
    ["a BLS key beyond the field", (keys) => ({ ...keys, bls: `0x${"ff".repeat(32)}` })],
    ["a peer key that is none", (keys) => ({ ...keys, peer: "0x1234" })],
    ["an unknown field", (keys) => ({ ...keys, more: 1 })],
    ["a field missing", ({ bls: _bls, ...keys }) => keys],
  ])("with %s are refused without showing a key", async (_what, damage) => {
    await createKeys(root);
    const path = join(root, KEYS_FILE);
    const keys = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    await writeFile(path, JSON.stringify(damage(keys)));
    const error = await loadKeys(root).then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ name: "ConfigError", code: "unreadable" });
    expect(error!.message).toContain(path);
    for (const key of [keys["l1"], keys["bls"], keys["peer"]]) expect(error!.message).not.toContain(key);
  });

  it("that are cut off are refused", async () => {
    await createKeys(root);
    const path = join(root, KEYS_FILE);
    await writeFile(path, (await readFile(path, "utf8")).slice(0, 100));
    await expect(loadKeys(root)).rejects.toMatchObject({ name: "ConfigError", code: "unreadable" });
  });
});

describe("initNode", () => {
  const init = async (change: Record<string, unknown> = {}): Promise<Readonly<Record<string, unknown>>> => {
    const networkFile = join(root, "network.json");
    await writeFile(networkFile, JSON.stringify(NETWORK_FILE));
    const options = { dataDir: join(root, "node"), networkFile, l1Url: "http://127.0.0.1:1", roles: ["gateway"] };
    return initNode({ bootstrap: [], ...options, ...change });
  };

  it("makes a directory that loads, and tells who the operator is", async () => {
    const made = await init({ roles: ["provider", "sequencer"], settings: { logLevel: "warn" } });
    const dataDir = join(root, "node");
    const config = await loadConfig(dataDir, {}, {});
    const keys = await loadKeys(dataDir);
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

  it("refuses a directory that holds a configuration or keys, and changes nothing there", async () => {
    for (const file of [CONFIG_FILE, KEYS_FILE]) {
      const dataDir = await mkdtemp(join(root, "used-"));
      await writeFile(join(dataDir, file), "someone's");
      await expect(init({ dataDir })).rejects.toMatchObject({ name: "ConfigError", code: "invalid" });
      expect(await readdir(dataDir)).toEqual([file]);
      expect(await readFile(join(dataDir, file), "utf8")).toBe("someone's");
    }
  });

  it("refuses a second node in the same directory", async () => {
    await init();
    const before = await readFile(join(root, "node", KEYS_FILE), "utf8");
    await expect(init()).rejects.toThrow(/choose another directory/);
    expect(await readFile(join(root, "node", KEYS_FILE), "utf8")).toBe(before);
  });

  it("refuses a directory that is a file", async () => {
    const dataDir = join(root, "file");
    await writeFile(dataDir, "");
    await expect(init({ dataDir })).rejects.toMatchObject({ name: "ConfigError" });
  });

  it.each<readonly [string, string, RegExp]>([
    ["no JSON", "{", /network\.json/],
    ["another version", JSON.stringify({ ...NETWORK_FILE, version: 10 }), /\n {2}version: is not 9/],
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
