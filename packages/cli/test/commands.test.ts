/** The operator's commands as processes, on the contracts themselves, with a gateway that answers for one DAC. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerAsk, transferMt } from "@mvm/l1";
import {
  type Address,
  type BatchHeader,
  hashBatchHeader,
  hashHeader,
  type Message,
  messageHash,
  PROFILES,
  toAddress,
} from "@mvm/protocol";
import { parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MT } from "../../l1/test/network.ts";
import { type BridgeNetwork, startBridge } from "../../node/test/bridgeNetwork.ts";
import { type Ended, mvm } from "./mvm.ts";

const START_MS = 120_000;
const RECEIVER = toAddress(`0x${"b0".repeat(20)}`);

let bridge: BridgeNetwork;
let gateway: Server;
let rpc: string;
let root: string;
let data: string;
let poor: string;
let passwordFile: string;
let operator: Address;

/** Commands that need no key. */
const LOOKS = /^(status|dac show|dac charter|prove \w+ 0x\w+)( |$)/;

/** Runs a command; only those that need a key are told of the password. */
const run = (...args: readonly string[]): Promise<Ended> =>
  mvm([...args, "--data", data, "--json"], LOOKS.test(args.join(" ")) ? {} : { MVM_PASSWORD_FILE: passwordFile });

async function result(...args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await run(...args);
  expect(code, err).toBe(0);
  expect(err.replace(/^mvm: .*\n/gm, "")).toBe("");
  return JSON.parse(out) as Record<string, unknown>;
}

/** The one line that tells why a command failed, after those that told its progress. */
function reasonIn({ code, out, err }: Ended): string {
  expect([code, out]).toEqual([1, ""]);
  expect(err).not.toMatch(/^\s+at |node:internal/m);
  return err.trimEnd().split("\n").at(-1)!;
}
const refusal = async (...args: readonly string[]): Promise<string> => reasonIn(await run(...args));

async function initNode(name: string): Promise<{ readonly dataDir: string; readonly operator: Address }> {
  const network = {
    version: 11,
    profile: "devnet",
    l1ChainId: String(bridge.network.anvil.l1ChainId),
    deployedAtBlock: Number(bridge.network.firstBlock),
    contracts: bridge.network.addresses,
  };
  const file = join(root, `${name}.network.json`);
  await writeFile(file, JSON.stringify(network));
  const args = ["--network", file, "--l1", bridge.network.anvil.url, "--roles", "gateway", "--json"];
  const { out } = await mvm(["init", "--data", join(root, name), "--password-file", passwordFile, ...args]);
  return JSON.parse(out) as { dataDir: string; operator: Address };
}

const withdrawalOf = (nonce: bigint): Message => ({
  kind: "withdrawal",
  chainId: bridge.chainId,
  nonce,
  sender: operator,
  target: RECEIVER,
  value: MT,
  data: new Uint8Array(0),
});

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "mvm-commands-"));
  passwordFile = join(root, "password");
  await writeFile(passwordFile, "correct horse\n");
  bridge = await startBridge();
  ({ dataDir: data, operator } = await initNode("rich"));
  ({ dataDir: poor } = await initNode("poor"));
  const [wallet] = bridge.network.anvil.wallets;
  await bridge.network.accounts[0]!.submit(transferMt(bridge.network.addresses, operator, 100n * MT));
  const given = await wallet!.sendTransaction({ to: operator, value: parseEther("10") });
  await bridge.network.anvil.receiptOf(given.hash);
  gateway = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", async () => {
      const answer = async ({ id, method, params }: { id: number; method: string; params: unknown[] }) => {
        const chainId = `0x${bridge.chainId.toString(16)}`;
        const result = method === "eth_chainId" ? chainId : await bridge.l2.send(method, params);
        return { jsonrpc: "2.0", id, result };
      };
      const calls = JSON.parse(body);
      const answers = Array.isArray(calls) ? await Promise.all(calls.map(answer)) : await answer(calls);
      response.end(JSON.stringify(answers));
    });
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  rpc = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}/dac/acme`;
}, START_MS);
afterAll(async () => {
  gateway.closeAllConnections();
  await new Promise((resolve) => gateway.close(resolve));
  await bridge.network.stop();
  await rm(root, { recursive: true });
});

describe("mvm deposit, prove and claim", { timeout: START_MS }, () => {
  it("bring MT to a DAC, and a proven withdrawal back to L1 once", async () => {
    const deposited = await result("deposit", "acme", "10.5");
    expect(deposited).toMatchObject({ label: "acme", depositedMT: "10.5", held: false, to: operator });
    const withdrawal = withdrawalOf(0n);
    const hash = messageHash(withdrawal);
    const prove = ["prove", "acme", hash, "--rpc", rpc];
    bridge.ledger.seal([withdrawal]);
    expect(await result(...prove)).toMatchObject({ messages: [{ status: "unposted", valueMT: "1" }] });
    await bridge.passSlots();
    await bridge.post();
    const claim = join(root, "claim.json");
    expect(await refusal(...prove, "--out", claim)).toMatch(/not final before .*: try again then \(not-final\)/);
    await bridge.finalise();
    expect(await refusal(...prove, "--out", claim, "--message", "1")).toContain("(no-message)");
    expect(await result(...prove, "--out", claim)).toMatchObject({ status: "claimable", next: `mvm claim ${claim}` });
    expect(await refusal(...prove, "--out", claim)).toContain("cannot be written");
    expect(await result("claim", claim)).toMatchObject({ outcome: "claimed" });
    expect(await refusal("claim", claim)).toMatch(/claimed on L1 before \(already-claimed\)$/);
    expect(await result(...prove)).toMatchObject({ messages: [{ status: "claimed" }] });
    await writeFile(join(root, "wrong.json"), (await readFile(claim, "utf8")).replace(RECEIVER, operator));
    expect(await refusal("claim", join(root, "wrong.json"))).toContain("(bad-file)");
  });

  it("hold what too few sequencers could answer for, and give it back", async () => {
    await bridge.network.accounts[0]!.submit(transferMt(bridge.network.addresses, operator, 2_000n * MT));
    const held = await result("deposit", "acme", "2000");
    expect(held).toMatchObject({ held: true, id: "0", hint: expect.stringContaining("mvm deposit acme --refund 0") });
    expect(await result("dac", "show", "acme")).toMatchObject({ heldMT: "2000", lockedMT: "9.5" });
    expect(await result("deposit", "acme", "--refund", "0")).toMatchObject({ refundedMT: "2000" });
    expect(await refusal("deposit", "acme", "--refund", "0")).toContain("holds no deposit 0");
  });
});

describe("mvm ask and expire", { timeout: START_MS }, () => {
  let header: BatchHeader;
  const of = (command: string, ...args: readonly string[]) => [
    command,
    "acme",
    "--block",
    String(header.lastBlock),
    ...args,
  ];

  it("show what a batch commits to, once somebody has answered on L1", async () => {
    bridge.ledger.seal([]);
    bridge.ledger.seal([]);
    await bridge.passSlots();
    header = await bridge.post();
    const hashes = bridge.ledger.headers.slice(Number(header.firstBlock) - 1).map(hashHeader);
    const ask = of("ask", "--item", "blocks");
    expect(await refusal(...ask, "--max-price", "0.09")).toMatch(/costs 0.1 MT now.*\(not-enough\)/);
    const place = { batch: Number(header.index), batchHash: hashBatchHeader(header), item: "blocks" };
    expect(await result(...ask, "--no-wait")).toMatchObject({ ...place, priceMT: "0.1" });
    expect(await result(...ask, "--no-wait")).toMatchObject({ ...place, asked: "before" });
    expect(await refusal(...of("expire"))).toMatch(/may be dropped from \d+ on, if nobody answers: wait \(not-yet\)/);
    const { accounts, addresses } = bridge.network;
    await accounts[4]!.submit(answerAsk(addresses, header, { kind: "blocks", position: 0, leaves: hashes }));
    const shown = await result(...ask);
    expect(shown).toMatchObject({ ...place, asked: "answered-before", answer: { kind: "blocks", leaves: hashes } });
    const file = join(root, "answer.json");
    expect(await result(...ask, "--out", file)).toMatchObject({ leaves: hashes.length, file });
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ ...place, leaves: hashes });
    expect(await refusal(...ask, "--out", file)).toContain("cannot be written");
    expect(await refusal(...of("expire"))).toContain("nothing that was asked for");
  });

  it("drop a batch of which nobody shows what was asked for, and get prices back", async () => {
    await result(...of("ask", "--item", "words", "--no-wait"));
    await result(...of("ask", "--item", "transactions", "--no-wait"));
    await bridge.network.anvil.provider.send("evm_increaseTime", [PROFILES.devnet.revealDelaySeconds]);
    await bridge.network.anvil.mine(1);
    const dropped = await result(...of("expire"));
    const lastBlock = Number(header.firstBlock) - 1;
    expect(dropped).toMatchObject({ poster: header.poster, lastBlock, asksPaidBack: 1, paidBackMT: "0.4" });
    expect(await result("dac", "show", "acme")).toMatchObject({ lastBlock, generation: 1 });
    expect(await result("expire", "acme", "--pay-back")).toMatchObject({ asksPaidBack: 0, paidBackMT: "0" });
    expect(await refusal(...of("ask", "--item", "words"))).toMatch(/no batch on L1 has block \d+.*\(not-yet\)/);
    const final = ["ask", "acme", "--block", "1", "--item", "words", "--no-wait"];
    expect(await refusal(...final)).toMatch(/is final: nothing of it can be asked for any more \(invalid\)/);
  });
});

describe("mvm stake, unstake and status", { timeout: START_MS }, () => {
  it("delegate to a sequencer, and tell what is on its way out", async () => {
    const sequencer = bridge.network.accounts[1]!.address;
    const to = ["--sequencer", sequencer];
    expect(await result("stake", "20", ...to)).toMatchObject({ stakedMT: "20", holdingMT: "20" });
    expect(await refusal("unstake", "21", ...to)).toContain("has 20 MT staked");
    const asked = await result("unstake", "5", ...to);
    expect(asked).toMatchObject({ unbondingMT: "5", id: "0" });
    expect(await refusal("unstake", "--withdraw", "0", ...to)).toContain("(not-yet)");
    expect(await result("status")).toMatchObject({
      operator,
      stakes: [{ sequencer, amountMT: "15" }],
      unbonding: [{ id: "0", sequencer, amountMT: "5", isUnlocked: false }],
      bond: { status: "none" },
    });
    await bridge.network.anvil.provider.send("evm_increaseTime", [241]);
    await bridge.network.anvil.mine(1);
    expect(await result("unstake", "--withdraw", "0", ...to)).toMatchObject({ paidMT: "5" });
    expect(await result("unstake", "all", ...to)).toMatchObject({ unbondingMT: "15" });
    expect(await refusal("unstake", "all", ...to)).toContain("has 0 MT staked");
  });
});

describe("mvm dac", { timeout: START_MS }, () => {
  const nobody = `0x${"00".repeat(20)}`;
  const charter = { vision: "v", mission: "m", permissions: [], taxRates: [], managementContract: nobody };

  it("create normalises the label, tells its fee, and show and charter tell of it", async () => {
    const file = join(root, "charter.json");
    await writeFile(file, JSON.stringify(charter));
    const create = ["dac", "create", "--label", "Umbrella", "--charter", file, "--no-wait"];
    expect(await result(...create, "--dry-run")).toMatchObject({ label: "umbrella", labelFeeMT: "1", checked: true });
    const created = await result(...create, "--storage-units", "3");
    expect(created).toMatchObject({ label: "umbrella", sealed: false });
    expect(await refusal(...create)).toContain('"umbrella" is taken');
    expect(await result("dac", "show", "umbrella")).toMatchObject({
      chainId: created["chainId"],
      creator: operator,
      storageUnits: 3,
      lockedMT: "0",
      lastBlock: 0,
      exiting: false,
    });
    expect(await result("dac", "charter", "umbrella")).toEqual(charter);
    expect(await refusal(...create, "--storage-units", "0")).toContain("1 to 1024");
  });
});

describe("mvm force", { timeout: START_MS }, () => {
  it("puts a withdrawal into the queue, and says from when on the DAC may turn to exit", async () => {
    const forced = await result("force", "acme", "--withdraw", "0.5");
    expect(forced["queueIndex"]).toBeGreaterThan(0);
    expect(await refusal("force", "acme", "--exit")).toMatch(/may turn to exit from \d+ on, .* \(not-yet\)/);
    await bridge.network.anvil.provider.send("evm_increaseTime", [71]);
    await bridge.network.anvil.mine(1);
    const left = await result("force", "acme", "--exit", "--rpc", rpc);
    expect(left).toMatchObject({ exiting: true, refunded: [], claimed: false, waits: expect.any(String) });
    expect(await result("dac", "show", "acme")).toMatchObject({ exiting: true });
  });
});

describe.concurrent("commands that cannot be", { timeout: START_MS }, () => {
  it.each<readonly [string, readonly string[], RegExp]>([
    ["an end of an ask without a block", ["expire", "acme"], /give --block N, or --pay-back \(invalid\)/],
    ["a label that is none", ["deposit", "a.b", "1"], /3 to 63 of a-z.*\(invalid\)/],
    ["a DAC that is not there", ["dac", "show", "nowhere"], /no DAC has the label "nowhere".*\(unknown-dac\)/],
    ["more MT than there are", ["deposit", "acme", "99999"], /has .* MT on L1, and needs 99999 \(not-enough\)/],
    ["no amount", ["deposit", "acme", "1e9"], /is no amount.*\(invalid\)/],
    ["nothing to do", ["deposit", "acme"], /an amount to deposit, or --refund/],
    ["a file that is not there", ["claim", "/nowhere/claim.json"], /mvm prove.*\(missing\)/],
    ["a sequencer that is none", ["stake", "1"], /no active sequencer.*\(invalid\)/],
    ["no address", ["stake", "1", "--sequencer", "me"], /"me" is no address/],
    ["no transaction hash", ["prove", "acme", "0x12", "--rpc", "http://127.0.0.1:1"], /no transaction hash/],
    [
      "a gateway that is not there",
      ["prove", "acme", `0x${"11".repeat(32)}`, "--rpc", "http://127.0.0.1:1"],
      /gateway-unreachable/,
    ],
    ["nothing to prove", ["prove"], /--dac LABEL, or a DAC and the hash/],
    ["a block and a watch", ["prove", "--dac", "acme", "--block", "1", "--watch"], /--block N .*--watch.*\(invalid\)/],
    ["a block that is not posted", ["prove", "--dac", "acme", "--block", "99999"], /is not on L1 \(not-yet\)/],
    ["a URL that is none", ["withdraw", "acme", "1", "--rpc", "here"], /is no URL/],
    ["no transaction", ["force", "acme", "--transaction", "0x1234"], /no signed transaction for acme/],
    ["two ways at once", ["force", "acme", "--exit", "--withdraw", "1"], /one of --transaction/],
  ])("given %s say what to do", async (_what, args, message) => {
    expect(await refusal(...args)).toMatch(message);
  });

  it("without the keys' password say so before L1 is asked", async () => {
    for (const command of [
      ["stake", "1"],
      ["claim", "x"],
      ["prove", "--dac", "acme", "--watch"],
    ]) {
      const ended = await mvm([...command, "--data", data]);
      expect(reasonIn(ended)).toMatch(/--password-file FILE, or set MVM_PASSWORD_FILE \(no-password\)$/);
    }
  });

  it("by an account without MT or ether say so before anything is sent", async () => {
    const password = ["--password-file", passwordFile];
    const { err } = await mvm(["deposit", "acme", "1", "--data", poor, ...password]);
    expect(err).toMatch(/has 0 MT on L1, and needs 1 \(not-enough\)\n$/);
    const forced = await mvm(["force", "acme", "--withdraw", "1", "--data", poor, ...password]);
    expect(forced.err).toMatch(/has no ether on L1 to pay gas with \(not-enough\)\n$/);
  });
});
