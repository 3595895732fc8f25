import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generatePeerKey } from "@mvm/network";
import { toHex } from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, mvm, nodeWith } from "./mvm.ts";

const CONTRACTS = [
  "token",
  "timelock",
  "metisDao",
  "beacon",
  "parameters",
  "dacRegistry",
  "comco",
  "inbox",
  "bridge",
  "sequencerPool",
  "bondManager",
  "providerRegistry",
  "storageRegistry",
  "rollupChain",
  "blobOpenings",
  "dataVerifier",
  "blockVerifier",
  "closingVerifier",
  "interpreter",
  "executionManager",
  "checkpointReplay",
  "sliceInterpreter",
  "sliceTries",
  "sliceReplay",
  "stepInterpreter",
  "stepTries",
  "stepReplay",
  "partVerifier",
  "workVerifier",
  "disputes",
  "disclosures",
  "jobReplay",
  "resultCourt",
];
const NETWORK = {
  version: 11,
  profile: "devnet",
  l1ChainId: "31337",
  deployedAtBlock: 1,
  contracts: Object.fromEntries(
    CONTRACTS.map((name, i) => [name, `0x${(i + 1).toString(16).padStart(2, "0").repeat(20)}`]),
  ),
};

/** Makes a process print the address of each module that it loads. */
const LOADED_URLS = `data:text/javascript,import { registerHooks } from "node:module"; registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });`;

let root: string;
let networkFile: string;
let passwordFile: string;
let node: string;
let initialised: Ended;

const initArguments = (data: string): string[] => [
  ...["init", "--data", data, "--network", networkFile, "--l1", "http://127.0.0.1:1"],
];
const init = (data: string, ...more: string[]): Promise<Ended> =>
  mvm([...initArguments(data), "--password-file", passwordFile, ...more]);
/** `mvm start` with the password of all nodes here. */
const start = (data: string, ...more: string[]): Promise<Ended> =>
  mvm(["start", "--data", data, "--password-file", passwordFile, ...more]);

/** A directory with a node in it, its configuration changed. */
async function directoryWith(change: (config: Record<string, unknown>) => unknown, l1?: string): Promise<string> {
  const data = await mkdtemp(join(root, "node-"));
  const config = JSON.parse(await readFile(join(node, "config.json"), "utf8")) as Record<string, unknown>;
  const changed = change(config);
  await writeFile(join(data, "config.json"), typeof changed === "string" ? changed : JSON.stringify(changed));
  await cp(join(node, "keys"), join(data, "keys"), { recursive: true });
  if (l1 !== undefined) await writeFile(join(data, "keys", "l1.json"), l1);
  return data;
}

/** One line for a person to read, and nothing of the program's inside. */
function expectOneLine({ code, out, err }: Ended): string {
  expect(code).toBe(1);
  expect(out).toBe("");
  expect(err).toMatch(/^mvm: [^\n]+\n$/);
  expect(err).not.toMatch(/^\s+at |node:internal|\.ts:/m);
  return err;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-cli-"));
  networkFile = join(root, "network.json");
  passwordFile = join(root, "password");
  node = join(root, "node");
  await writeFile(networkFile, JSON.stringify(NETWORK));
  await writeFile(passwordFile, "correct horse\n");
  initialised = await init(node, "--roles", "provider,gateway", "--json");
});
afterAll(() => rm(root, { recursive: true }));

describe.concurrent("mvm", () => {
  it("--help names the commands and succeeds", async () => {
    const { code, out, err } = await mvm(["--help"]);
    expect([code, err]).toEqual([0, ""]);
    const money = ["stake", "unstake", "deposit", "withdraw", "prove", "claim", "force"];
    for (const command of ["init", "start", "rebuild", "status", "dac", ...money])
      expect(out).toMatch(new RegExp(`^ +${command} `, "m"));
  });

  it("keeps what it compiled where the environment says, for its next start", async () => {
    const cache = join(root, "compiled");
    await mvm(["--help"], { NODE_COMPILE_CACHE: cache });
    expect(await readdir(cache, { recursive: true })).not.toEqual([]);
  });

  it("loads neither mesh nor engine for what an operator does on L1", async () => {
    const { code, out } = await nodeWith([
      "--import",
      LOADED_URLS,
      "--input-type=module",
      "-e",
      'await import("@mvm/node/operator")',
    ]);
    expect(code).toBe(0);
    expect(out).toMatch(/packages\/node\/src\/operator\/money\.ts/);
    expect(out).not.toMatch(/node_modules\/libp2p\/|packages\/(evm|rpc|roles)\//);
  });

  it.each([["init"], ["start"], ["rebuild"]])("%s --help tells its options and succeeds", async (command) => {
    const { code, out } = await mvm([command, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain(command === "rebuild" ? "--dac <label>" : "--data <dir>");
    expect(out).not.toContain("--with-parent");
  });

  it.each<readonly [string, readonly string[], RegExp]>([
    ["no command", [], /Usage: mvm/],
    ["an unknown command", ["launch"], /unknown command 'launch'/],
    ["an unknown option", ["start", "--data", "x", "--fast"], /unknown option '--fast'/],
    ["no data directory", ["start"], /required option '--data <dir>'/],
    ["an option without its value", ["start", "--data"], /argument missing/],
    [
      "init without a network",
      ["init", "--data", "x", "--l1", "http://127.0.0.1:1", "--roles", "gateway"],
      /--network/,
    ],
    ["rebuild without a source", ["rebuild", "--dac", "x", "--network", "x", "--l1", "x"], /--from-l1/],
    ["an argument too many", ["start", "--data", "x", "y"], /too many arguments/],
  ])("given %s fails, tells why and how it is used", async (_what, args, message) => {
    const { code, out, err } = await mvm(args);
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(message);
    expect(err).toContain("Usage: mvm");
  });
});

describe("mvm init", () => {
  it("makes a directory for its owner alone, and prints who the operator is", async () => {
    expect([initialised.code, initialised.err]).toEqual([0, ""]);
    const made = JSON.parse(initialised.out) as Record<string, string>;
    expect(made["dataDir"]).toBe(node);
    expect(made["operator"]).toMatch(/^0x[0-9a-f]{40}$/);
    expect(made["blsPublicKey"]).toMatch(/^0x[0-9a-f]{96}$/);
    expect(made["peerId"]).toMatch(/^\w{40,60}$/);
    expect((await readdir(node)).sort()).toEqual(["config.json", "keys"]);
    expect((await readdir(join(node, "keys"))).sort()).toEqual(["bls.json", "l1.json", "peer.json"]);
    for (const file of ["bls.json", "l1.json", "peer.json"])
      expect((await stat(join(node, "keys", file))).mode & 0o777).toBe(0o600);
    for (const directory of [node, join(node, "keys")]) expect((await stat(directory)).mode & 0o077).toBe(0);
  });

  it("prints lines for people without --json", async () => {
    const { code, out } = await init(join(root, "plain"), "--roles", "storage");
    expect(code).toBe(0);
    expect(out).toMatch(/^operator: 0x[0-9a-f]{40}$/m);
  });

  it("refuses a directory that holds a node, and leaves its keys alone", async () => {
    const l1 = join(node, "keys", "l1.json");
    const before = await readFile(l1, "utf8");
    const line = expectOneLine(await init(node, "--roles", "gateway"));
    expect(line).toContain("choose another directory");
    expect(await readFile(l1, "utf8")).toBe(before);
  });

  it("without a password and a terminal says how to give one, and makes no keys", async () => {
    const data = join(root, "without");
    const line = expectOneLine(await mvm([...initArguments(data), "--roles", "gateway"]));
    expect(line).toMatch(/give --password-file FILE, or set MVM_PASSWORD_FILE \(no-password\)$/m);
    expect(await readdir(data)).toEqual([]);
  });

  it("takes the password file that the environment names, and above it the flag's", async () => {
    const other = join(root, "other-password");
    await writeFile(other, "battery staple");
    const byEnvironment = join(root, "by-environment");
    const [data, env] = [join(root, "by-flag"), { MVM_PASSWORD_FILE: other }];
    expect((await mvm([...initArguments(byEnvironment), "--roles", "gateway"], env)).code).toBe(0);
    const flag = ["--password-file", passwordFile];
    expect((await mvm([...initArguments(data), "--roles", "gateway", ...flag], env)).code).toBe(0);
    expect(expectOneLine(await start(byEnvironment))).toContain("(wrong-password)");
    expect(expectOneLine(await mvm(["start", "--data", data], env))).toContain("(wrong-password)");
  });

  it.each([
    ["is empty", "\n", /empty: .*\(no-password\)$/m],
    ["has several lines", "a\nb\n", /more than one line \(unreadable\)$/m],
    ["is not there", null, /cannot be read: ENOENT.*\(missing\)$/m],
  ])("with a password file that %s says so", async (what, text, message) => {
    const file = join(root, `password ${what}`);
    if (text !== null) await writeFile(file, text);
    const args = initArguments(join(root, `of a password file that ${what}`));
    const line = expectOneLine(await mvm([...args, "--roles", "gateway", "--password-file", file]));
    expect(line).toContain(file);
    expect(line).toMatch(message);
  });

  it("names a role that there is none of, and makes nothing", async () => {
    const data = join(root, "miner");
    const { code, err } = await init(data, "--roles", "gateway,miner");
    expect(code).toBe(1);
    expect(err).toMatch(/^mvm: .*\n {2}roles\.1: .*\n$/);
    await expect(stat(data)).rejects.toThrow(/ENOENT/);
  });

  it("names a network file that is not there", async () => {
    const args = ["init", "--data", join(root, "x"), "--network", "nowhere.json", "--l1", "http://127.0.0.1:1"];
    expect(expectOneLine(await mvm([...args, "--roles", "gateway"]))).toContain("nowhere.json");
  });
});

describe.concurrent("mvm start", () => {
  it("in a directory without a node tells to run init", async () => {
    const data = join(root, "empty");
    expect(expectOneLine(await start(data))).toContain(`mvm init --data ${data}`);
  });

  it.each(["{", "null"])("with a configuration of %j ends with one line that names the file", async (text) => {
    const data = await directoryWith(() => text);
    expect(expectOneLine(await start(data))).toContain(join(data, "config.json"));
  });

  it("with a configuration of a newer program ends with one line that says so", async () => {
    const data = await directoryWith((config) => ({ ...config, version: 2 }));
    expect(expectOneLine(await start(data))).toContain("(newer-version)");
  });

  it("with wrong values names each of them, and no more", async () => {
    const data = await directoryWith((config) => ({ ...config, logLevel: "loud", rolls: [] }));
    const { code, err } = await start(data);
    expect(code).toBe(1);
    expect(err.split("\n")).toHaveLength(4);
    expect(err).toMatch(/\n {2}logLevel: /);
    expect(err).toContain("rolls");
  });

  it("with damaged keys ends with one line that names the file", async () => {
    const data = await directoryWith((config) => config, "{}");
    expect(expectOneLine(await start(data))).toContain(join(data, "keys", "l1.json"));
  });

  it("with another password than the keys' says so in one line", async () => {
    const other = join(root, "wrong-password");
    await writeFile(other, "battery staple");
    const ended = await mvm(["start", "--data", node, "--password-file", other]);
    expect(expectOneLine(ended)).toMatch(/the password does not open the keys in .* \(wrong-password\)$/m);
  });

  it("without a password and a terminal says how to give one", async () => {
    const line = expectOneLine(await mvm(["start", "--data", node]));
    expect(line).toMatch(/give --password-file FILE, or set MVM_PASSWORD_FILE \(no-password\)$/m);
  });

  it("seals the open keys of an earlier version by the password", async () => {
    const data = await directoryWith((config) => ({ ...config, register: false, listen: ["/nonsense/1"] }));
    const keys = { version: 1, l1: `0x${"11".repeat(32)}`, bls: `0x${"12".repeat(32)}`, peer: "0x1234" };
    await rm(join(data, "keys"), { recursive: true });
    await writeFile(join(data, "keys.json"), JSON.stringify({ ...keys, version: 2 }));
    expect(expectOneLine(await start(data))).toContain("(newer-version)");
    await writeFile(join(data, "keys.json"), JSON.stringify(keys));
    expect(expectOneLine(await start(data))).toContain(join(data, "keys.json"));
    const peer = toHex(await generatePeerKey());
    await writeFile(join(data, "keys.json"), JSON.stringify({ ...keys, peer }));
    await start(data);
    expect(await readdir(data)).toContain("keys");
    expect(await readdir(data)).not.toContain("keys.json");
  });

  it("takes roles from flags above the environment, and checks them", async () => {
    const byFlag = await mvm(["start", "--data", node, "--roles", "miner"], { MVM_ROLES: "gateway" });
    expect(byFlag.err).toContain("roles.0");
    const byEnvironment = await mvm(["start", "--data", node], { MVM_ROLES: "miner" });
    expect(byEnvironment.err).toContain("roles.0");
  });

  it("with an address to listen on that is none ends, and leaves nothing running", async () => {
    const data = await directoryWith((config) => ({ ...config, register: false, listen: ["/nonsense/1"] }));
    const { code, out, err } = await start(data);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/^mvm: /m);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

describe.concurrent("mvm rebuild", () => {
  let l1: Server;
  let url: string;

  /** An L1 that is another chain than the network's. */
  beforeAll(async () => {
    l1 = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        const calls = JSON.parse(body) as { id: number } | { id: number }[];
        const answer = ({ id }: { id: number }) => ({ jsonrpc: "2.0", id, result: "0x1" });
        response.end(JSON.stringify(Array.isArray(calls) ? calls.map(answer) : answer(calls)));
      });
    });
    await new Promise<void>((resolve) => l1.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(l1.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => l1.close(resolve)));

  it("without a network file ends with one line", async () => {
    const args = ["rebuild", "--from-l1", "--dac", "acme", "--network", "nowhere.json", "--l1", url];
    expect(expectOneLine(await mvm(args))).toContain("nowhere.json");
  });

  it("with an archive that cannot be asked ends with one line", async () => {
    const args = ["rebuild", "--from-l1", "--dac", "acme", "--network", networkFile, "--l1", url];
    expect(expectOneLine(await mvm([...args, "--archive", "ftp://x"]))).toContain("ftp://x is no HTTP URL");
  });

  it("from an L1 that is another chain, or not there, ends with a failure and no stack", async () => {
    for (const l1Url of [url, "http://127.0.0.1:1"]) {
      const { code, out, err } = await mvm([
        "rebuild",
        "--from-l1",
        "--dac",
        "acme",
        "--network",
        networkFile,
        "--l1",
        l1Url,
      ]);
      expect([code, out]).toEqual([1, ""]);
      expect(err).toMatch(/^mvm: /);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});

describe.concurrent("mvm dac create", () => {
  const nobody = `0x${"00".repeat(20)}`;
  const member = `0x${"11".repeat(20)}`;
  const free = { vision: "v", mission: "m", permissions: [], taxRates: [], managementContract: nobody };
  let files = 0;

  /** What it says to a charter, which is text or JSON; L1 is not there, so nothing can have been sent. */
  async function refusalOf(charter: unknown, label = "acme"): Promise<string> {
    const file = join(root, `charter-${files++}.json`);
    await writeFile(file, typeof charter === "string" ? charter : JSON.stringify(charter));
    return expectOneLine(await mvm(["dac", "create", "--data", node, "--label", label, "--charter", file]));
  }

  it.each<readonly [string, unknown, RegExp]>([
    ["no JSON", "{", /holds no charter/],
    ["an unknown opcode", rule({ opcode: "CREAT" }), /CREAT\b.*CREATE/],
    ["two rules of one opcode", { permissions: [ruleOf({}), ruleOf({})] }, /CREATE/],
    ["an address in allow and deny", { permissions: [ruleOf({}), ruleOf({ operation: "deny" })] }, /CREATE/],
    ["a rate over 100 %", { taxRates: [{ threshold: "0", rate: 10_001 }] }, /10,?001|10,?000/],
    [
      "thresholds out of order",
      {
        taxRates: [
          { threshold: "5", rate: 1 },
          { threshold: "5", rate: 2 },
        ],
      },
      /threshold/,
    ],
    ["a thousand addresses", rule({ addresses: Array.from({ length: 1_000 }, (_, i) => addressOf(i + 1)) }), /256/],
    ["an unknown field", { tax: 1 }, /tax/],
  ])("given a charter with %s says what to do, before L1 is asked", async (_what, change, message) => {
    const charter = typeof change === "string" ? change : { ...free, ...(change as object) };
    expect(await refusalOf(charter)).toMatch(message);
  });

  it.each(["ab", "Acm\u00e9", "-acme", "xn--acme", "acme.org", "\u0430cme"])(
    "given the label %s says what a label is",
    async (label) => {
      expect(await refusalOf(free, label)).toContain("3 to 63 of a-z");
    },
  );

  function addressOf(value: number): string {
    return `0x${value.toString(16).padStart(40, "0")}`;
  }
  function ruleOf(change: object): object {
    return { operation: "allow", opcode: "CREATE", addresses: [member], ...change };
  }
  function rule(change: object): object {
    return { permissions: [ruleOf(change)] };
  }
});
