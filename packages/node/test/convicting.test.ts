/** From a provider's lie to its stake: what shows it is found by the engine, proven on anvil, and not lost by a restart. */
import { createEngine, type Engine } from "@mvm/evm";
import { INTERFACES, L1Error, type L1Submitter } from "@mvm/l1";
import {
  type Account,
  type Address,
  blsKeyFromSeed,
  EMPTY_CODE_HASH,
  environmentOf,
  fromHex,
  type Hex,
  hotSlot,
  keccakHash,
  type Outcome,
  PREDEPLOYS,
  PROFILES,
  resultDigest,
  resultHash,
  type StateReader,
  type TransactionMessage,
  toAddress,
  toJobId,
  ZERO_HASH,
} from "@mvm/protocol";
import type { SignedLie } from "@mvm/roles";
import { MemoryStore } from "@mvm/state";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerFor, startNetwork, type TestNetwork } from "../../l1/test/network.ts";
import { Convicting } from "../src/convicting.ts";
import { lieStore } from "../src/durableStores.ts";
import { l1Poster } from "../src/l1Poster.ts";
import type { Clock, L1Poster, Log } from "../src/ports.ts";
import { findResultProof } from "../src/proving/resultFinding.ts";

const START_MS = 120_000;
const PROVIDER = 1;
const SEQUENCER = 2;
const ALICE = toAddress(`0x${"a1".repeat(20)}`);
const BOB = toAddress(`0x${"b0".repeat(20)}`);
const COUNTER = toAddress(`0x${"cc".repeat(20)}`);
/** Counts in slot 0, logs the block's number, gives back nothing. */
const CODE = fromHex("0x5f546001015f55435f5260205fa0");
const CODES = new Map([[keccakHash(CODE), CODE]]);
const environment = environmentOf({ timestamp: 1_800_000_012n, baseFeePerGas: 7n, prevRandao: ZERO_HASH });

const ACCOUNTS = new Map<Address, Account>([
  [ALICE, { nonce: 3n, balance: 10n ** 18n, codeHash: EMPTY_CODE_HASH }],
  [COUNTER, { nonce: 1n, balance: 0n, codeHash: keccakHash(CODE) }],
  [PREDEPLOYS.executionManager, { nonce: 1n, balance: 50n, codeHash: EMPTY_CODE_HASH }],
]);
const flags = hotSlot(0n);
const reader: StateReader = {
  account: (address) => ACCOUNTS.get(address) ?? null,
  slot: (address, slot) => (address === flags.address && slot === flags.slot ? 1n : 0n),
  code: (hash) => CODES.get(hash)!,
  number: () => 77n,
  chainId: () => 5n,
  blockHash: () => ZERO_HASH,
};

const messageTo = (to: Address, nonce: bigint): TransactionMessage => ({
  type: 2,
  from: ALICE,
  to,
  nonce,
  gasLimit: 100_000n,
  maxFeePerGas: 10n,
  maxPriorityFeePerGas: 1n,
  value: to === BOB ? 5n : 0n,
  data: new Uint8Array(0),
  accessList: [],
  authorizations: [],
  l1Fee: 100n,
});
const messages = [messageTo(BOB, 3n), messageTo(COUNTER, 4n), messageTo(COUNTER, 5n), messageTo(BOB, 9n)];

let network: TestNetwork;
let engine: Engine;
let honest: readonly Outcome[];
let poster: L1Poster;
let prover: L1Submitter;
const sent: { readonly action: string; readonly gasUsed: bigint }[] = [];
const nothing: Log = () => undefined;

/** Time of a network that mines on demand: whoever waits has a block mined. */
const clock: Clock = {
  nowMs: () => 0,
  at: (_atMs, callback) => {
    void network.anvil.provider.send("evm_mine", []).then(callback);
    return () => undefined;
  },
};

beforeAll(async () => {
  [network, engine] = await Promise.all([startNetwork(), createEngine()]);
  prover = network.accounts[SEQUENCER]!;
  await registerFor(network, network.accounts[PROVIDER]!, "provider");
  honest = await engine.execute(environment, messages, reader);
  const submitter = {
    address: prover.address,
    submit: async (...call: Parameters<L1Submitter["submit"]>) => {
      const receipt = await prover.submit(...call);
      sent.push({ action: call[0].action, gasUsed: receipt.gasUsed });
      return receipt;
    },
  };
  const options = { kzg: null as never, placement: "calldata" as const, clock, log: nothing };
  poster = l1Poster({ reader: network.reader, submitter, parameters: PROFILES.devnet, ...options });
}, START_MS);
afterAll(() => network.stop());

/** A result as the provider signs it. */
function signed(outcomes: readonly Outcome[], jobId = keccakHash(fromHex("0x01"))): SignedLie {
  const job = { jobId: toJobId(jobId), environment, messages };
  const { address } = network.accounts[PROVIDER]!;
  const key = blsKeyFromSeed(fromHex(`0x${address.slice(2).toLowerCase().repeat(2)}`));
  const identity = { l1ChainId: network.anvil.l1ChainId, comco: network.addresses.comco };
  const digest = resultDigest(identity, job.jobId, resultHash({ ...job, values: [] }, outcomes));
  return { job, provider: 0, blsPublicKey: key.publicKey, outcomes, signature: key.sign(digest) };
}

type Included = Outcome & { kind: "included" };
const changed = (index: number, change: (outcome: Included) => Outcome): readonly Outcome[] =>
  honest.with(index, change(honest[index] as Included));
const balancesUp = (outcome: Included): Included => ({
  ...outcome,
  writes: outcome.writes.map((write) =>
    write.address !== BOB ? write : { ...write, account: { ...write.account!, balance: 6n } },
  ),
});

/** Lies of every kind, by what they are about. */
const LIES: readonly (readonly [string, () => readonly Outcome[]])[] = [
  ["a balance", () => changed(0, balancesUp)],
  ["gas", () => changed(1, (own) => ({ ...own, gasUsed: own.gasUsed + 1n }))],
  ["a log", () => changed(1, (own) => ({ ...own, logs: [] }))],
  ["a slot", () => changed(2, (own) => ({ ...own, writes: own.writes.map((w) => ({ ...w, slots: [] })) }))],
  ["validity", () => honest.with(0, { kind: "invalid", reason: "denied", reads: honest[0]!.reads })],
  ["the reason why a message is invalid", () => honest.with(3, { ...honest[3]!, reason: "nonce-too-low" } as Outcome)],
  [
    "a read that is left out",
    () => changed(1, (own) => ({ ...own, reads: own.reads.filter((r) => r.kind !== "number") })),
  ],
  [
    "a read that nobody makes",
    () => changed(1, (own) => ({ ...own, reads: [...own.reads, { kind: "chainId", value: 5n }] })),
  ],
  [
    "a read against an earlier write",
    () =>
      changed(2, (own) => ({
        ...own,
        reads: own.reads.map((read) =>
          read.kind === "slot" && read.address === COUNTER ? { ...read, value: 0n } : read,
        ),
        writes: own.writes.map((w) => (w.address !== COUNTER ? w : { ...w, slots: [{ ...w.slots[0]!, value: 1n }] })),
      })),
  ],
];

const stakeWei = async (): Promise<bigint> => {
  const data = INTERFACES.providerRegistry.encodeFunctionData("operatorAt", [0]);
  const raw = await network.anvil.provider.call({ to: network.addresses.providerRegistry, data });
  return INTERFACES.providerRegistry.decodeFunctionResult("operatorAt", raw)[0].stake as bigint;
};

describe("a provider's signed result", () => {
  it("that is honest shows nothing", async () => {
    expect(honest.map(({ kind }) => kind)).toEqual(["included", "included", "included", "invalid"]);
    expect(await findResultProof(engine, signed(honest), CODES)).toBeNull();
  });

  it.each(LIES)("that lies about %s costs its minimum stake", async (name, outcomes) => {
    const lie = signed(outcomes(), keccakHash(new TextEncoder().encode(name)));
    const proof = await findResultProof(engine, lie, CODES);
    expect(proof).not.toBeNull();
    const before = await stakeWei();
    await poster.proveResult({ proof: proof!, key: name });
    expect(before - (await stakeWei())).toBe(PROFILES.devnet.minProviderStakeWei);
    expect(sent.at(-1)!.action).toBe("resultCourt.prove");
    const again = await poster.proveResult({ proof: proof!, key: name }).catch((error: L1Error) => error.code);
    expect(again).toBe("reverted");
  });

  it("that is honest answers for no outcome that it does not have", async () => {
    const { outcomes } = signed(changed(0, balancesUp));
    const made = (await findResultProof(engine, { ...signed(honest), outcomes }, CODES))!;
    const before = await stakeWei();
    await expect(poster.proveResult({ proof: made, key: "honest" })).rejects.toMatchObject({ code: "reverted" });
    expect(await stakeWei()).toBe(before);
  });

  it("that lies is proven after a restart, and forgotten when L1 has said its word", async () => {
    const store = new MemoryStore();
    const proven: Hex[] = [];
    let isReachable = false;
    const ports = (proveResult: L1Poster["proveResult"]) => ({
      lies: lieStore(store),
      poster: { ...poster, proveResult },
      clock: { nowMs: () => 0, at: () => () => undefined },
      log: nothing,
    });
    const send: L1Poster["proveResult"] = async ({ proof }) => {
      if (!isReachable) throw new L1Error("unreachable", "L1 is not to be reached");
      proven.push(proof);
    };
    const first = new Convicting({ ports: ports(send), engine });
    first.accuse(signed(changed(0, balancesUp)), CODES);
    await expect.poll(async () => (await lieStore(store).load()).length).toBe(1);
    first.stop();
    expect(proven).toEqual([]);
    isReachable = true;
    const second = new Convicting({ ports: ports(send), engine });
    await second.start();
    await expect.poll(() => proven.length).toBe(1);
    await expect.poll(async () => (await lieStore(store).load()).length).toBe(0);
  });

  it("that L1 sees no lie in is forgotten", async () => {
    const store = new MemoryStore();
    const refuse: L1Poster["proveResult"] = () => Promise.reject(new L1Error("reverted", "no lie"));
    const clocks: Clock = { nowMs: () => 0, at: () => () => undefined };
    await lieStore(store).put({ id: keccakHash(fromHex("0x02")), proof: "0x1234" });
    const ports = { lies: lieStore(store), poster: { ...poster, proveResult: refuse }, clock: clocks, log: nothing };
    await new Convicting({ ports, engine }).start();
    await expect.poll(async () => (await lieStore(store).load()).length).toBe(0);
  });
});
