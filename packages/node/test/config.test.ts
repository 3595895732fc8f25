import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CONFIG_FILE, ConfigError, loadConfig } from "../src/config.ts";
import { parseConfig } from "../src/index.ts";
import { CONFIG, NETWORK_FILE } from "./settings.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "mvm-config-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

function refusalOf(value: unknown): ConfigError {
  try {
    parseConfig(value);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error(`${JSON.stringify(value)} was taken`);
}

const write = (text: string): Promise<void> => writeFile(join(dataDir, CONFIG_FILE), text);

describe("the configuration", () => {
  it("is taken when it is right", () => {
    expect(parseConfig(CONFIG).network.contracts.comco).toBe(NETWORK_FILE.contracts.comco);
  });

  it.each([
    ["roles", { roles: [] }],
    ["roles.0", { roles: ["miner"] }],
    ["roles", { roles: 7 }],
    ["l1Url", { l1Url: "ftp://127.0.0.1" }],
    ["l1Url", { l1Url: "nowhere" }],
    ["listen", { listen: [] }],
    ["listen.0", { listen: ["127.0.0.1:4001"] }],
    ["bootstrap.0", { bootstrap: ["/ip4/127.0.0.1/tcp/1"] }],
    ["bootstrap", { bootstrap: Array.from({ length: 33 }, () => "/ip4/127.0.0.1/tcp/1/p2p/x") }],
    ["register", { register: "yes" }],
    ["gateway.port", { gateway: { ...CONFIG.gateway, port: 65_536 } }],
    ["gateway.port", { gateway: { ...CONFIG.gateway, port: 1.5 } }],
    ["gateway", { gateway: { ...CONFIG.gateway, tls: true } }],
    ["parallelJobs", { parallelJobs: 0 }],
    ["parallelJobs", { parallelJobs: 65 }],
    ["parallelJobs", { parallelJobs: 1.5 }],
    ["logLevel", { logLevel: "loud" }],
    ["version", { version: 0 }],
    ["version", { version: "1" }],
    ["network.version", { network: { ...NETWORK_FILE, version: NETWORK_FILE.version - 1 } }],
    ["network.version", { network: { ...NETWORK_FILE, version: NETWORK_FILE.version + 1 } }],
    ["network.profile", { network: { ...NETWORK_FILE, profile: "testnet" } }],
    ["network.l1ChainId", { network: { ...NETWORK_FILE, l1ChainId: "0x1" } }],
    ["network.deployedAtBlock", { network: { ...NETWORK_FILE, deployedAtBlock: -1 } }],
    [
      "network.contracts.inbox",
      { network: { ...NETWORK_FILE, contracts: { ...NETWORK_FILE.contracts, inbox: "0x12" } } },
    ],
  ])("names %s when that is wrong (%o)", (key, change) => {
    const { code, message } = refusalOf({ ...CONFIG, ...change });
    expect(code).toBe("invalid");
    expect(message).toContain(`\n  ${key}: `);
    expect(message.split("\n")).toHaveLength(2);
  });

  it("names every wrong key at once, and one that is missing", () => {
    const { l1Url: _absent, ...rest } = CONFIG;
    const { message } = refusalOf({ ...rest, logLevel: "loud", roles: [] });
    for (const key of ["l1Url", "logLevel", "roles"]) expect(message).toContain(`\n  ${key}: `);
  });

  it("with a key that nobody knows is refused by its name", () => {
    expect(refusalOf({ ...CONFIG, rolls: ["gateway"] }).message).toContain("rolls");
    expect(refusalOf({ ...CONFIG, network: { ...NETWORK_FILE, extra: 1 } }).message).toContain("extra");
  });

  it("of a newer program is refused with what to do", () => {
    const { code, message } = refusalOf({ version: 2, everything: "else" });
    expect(code).toBe("newer-version");
    expect(message).toMatch(/version 2.*update the program/);
  });

  it.each([[null], [1], ["text"], [[]], [undefined]])("is no %o", (value) => {
    expect(refusalOf(value).code).toBe("invalid");
  });
});

describe("a data directory's configuration", () => {
  it("stands below the environment, which stands below flags", async () => {
    await write(JSON.stringify({ ...CONFIG, logLevel: "error", roles: ["storage"] }));
    const read = async (env: Record<string, string>, flags: Record<string, unknown>) => {
      const { l1Url, roles, logLevel, batchData, blobProofs } = await loadConfig(dataDir, env, flags);
      return { l1Url, roles, logLevel, batchData, blobProofs };
    };
    const ofFile = { batchData: "cheapest", blobProofs: "cells" };
    const ofEnvironment = { logLevel: "debug", batchData: "blob", blobProofs: "blob" };
    const env = {
      MVM_L1_URL: "http://127.0.0.1:2",
      MVM_ROLES: "provider,gateway",
      MVM_LOG_LEVEL: "debug",
      MVM_BATCH_DATA: "blob",
      MVM_BLOB_PROOFS: "blob",
    };
    expect(await read({}, {})).toEqual({ l1Url: CONFIG.l1Url, roles: ["storage"], logLevel: "error", ...ofFile });
    expect(await read(env, {})).toEqual({
      l1Url: "http://127.0.0.1:2",
      roles: ["provider", "gateway"],
      ...ofEnvironment,
    });
    expect(await read(env, { l1Url: "http://127.0.0.1:3", roles: ["sequencer"] })).toEqual({
      l1Url: "http://127.0.0.1:3",
      roles: ["sequencer"],
      ...ofEnvironment,
    });
  });

  it("takes lists from the environment, and checks them as it checks the file", async () => {
    await write(JSON.stringify(CONFIG));
    const config = await loadConfig(dataDir, { MVM_LISTEN: "/ip4/127.0.0.1/tcp/1,/ip4/127.0.0.1/tcp/2" }, {});
    expect(config.listen).toEqual(["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"]);
    await expect(loadConfig(dataDir, { MVM_BOOTSTRAP: "nobody" }, {})).rejects.toThrow(/bootstrap\.0/);
    await expect(loadConfig(dataDir, { MVM_ROLES: "" }, {})).rejects.toThrow(/roles: names no role/);
    await expect(loadConfig(dataDir, { MVM_BATCH_DATA: "memory" }, {})).rejects.toThrow(/batchData/);
  });

  it("of before there were blobs, or two couriers, stands with the defaults for them", async () => {
    const { batchData: _place, blobProofs: _proofs, courierHops: _hops, ...older } = CONFIG;
    await write(JSON.stringify(older));
    const { batchData, blobProofs, beacon, courierHops } = await loadConfig(dataDir, {}, {});
    expect([batchData, blobProofs, beacon, courierHops]).toEqual(["cheapest", "cells", undefined, 1]);
  });

  it.each([0, 3, "2"])("with %j couriers for a job is refused", async (courierHops) => {
    await write(JSON.stringify({ ...CONFIG, courierHops }));
    await expect(loadConfig(dataDir, {}, {})).rejects.toThrow(/courierHops/);
  });

  it("that is missing tells to run init", async () => {
    const loading = loadConfig(dataDir, {}, {});
    await expect(loading).rejects.toMatchObject({ name: "ConfigError", code: "missing" });
    await expect(loading).rejects.toThrow(`mvm init --data ${dataDir}`);
  });

  it.each(["", "{", '{"version":1', "null", "[]", "7", "\u0000\u0000"])("that holds %j is unreadable", async (text) => {
    await write(text);
    const loading = loadConfig(dataDir, {}, {});
    await expect(loading).rejects.toMatchObject({ name: "ConfigError", code: "unreadable" });
    await expect(loading).rejects.toThrow(CONFIG_FILE);
  });
});
