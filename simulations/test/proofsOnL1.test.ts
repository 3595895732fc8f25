/** Lies that are posted on a real L1, with all its contracts, and convicted there by one transaction; and a false accuser. */
import { createEngine, type Engine } from "@mvm/evm";
import { askReplay } from "@mvm/l1";
import {
  accusationOf,
  type BlockFacts,
  BlockReplay,
  checkpointsFinding,
  commitmentsOf,
  type WrongCheckpoint,
  wholeEvidence,
} from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  addressOf,
  type BlockOutcome,
  type ChainId,
  type Checkpoint,
  checkpointLeaf,
  contextTransaction,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  encodeSystemTransaction,
  environmentOf,
  GENESIS_BASE_FEE,
  genesisWrites,
  type Header,
  hashHeader,
  keccakHash,
  toAddress,
  ZERO_HASH,
} from "@mvm/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PostedBlock, ReplayNetwork } from "../src/bench/replayNetwork.ts";
import { claimedBlock, type Lie, richer } from "../src/replay/claimedBlock.ts";
import { FREE_CHARTER, replaySource, storedState } from "../src/replay/storedState.ts";
import { signedTransaction } from "../src/signedTransaction.ts";

const KEY = new Uint8Array(32).fill(7);
const SENDER = addressOf(KEY);
const RECEIVER = toAddress("0x00000000000000000000000000000000000beef1");
const LOGGER = toAddress("0x00000000000000000000000000000000000109e5");
/** LOG0 of nothing. */
const LOGGER_CODE = Uint8Array.of(0x5f, 0x5f, 0xa0, 0x00);
/** Places in the block: a transfer, a call that logs, and a third transaction by the case. */
const [CONTEXT, TRANSFER, CALL, THIRD] = [0, 1, 2, 3];
/** blocks of the batch, and which one it is */
const [BLOCKS, POSITION] = [3, 1];
const FUNDS = 10n ** 20n;

let engine: Engine;
let network: ReplayNetwork;
beforeAll(async () => {
  [engine, network] = await Promise.all([createEngine(), ReplayNetwork.start(12)]);
}, 120_000);
afterAll(() => network?.stop());

function account(address: Address, balance: bigint, bytes: Uint8Array | null): AccountWrite {
  const codeHash = bytes === null ? EMPTY_CODE_HASH : keccakHash(bytes);
  return { address, account: { nonce: bytes === null ? 0n : 1n, balance, codeHash }, code: bytes, slots: [] };
}
const state = storedState([
  genesisWrites(),
  [FREE_CHARTER],
  [account(SENDER, FUNDS, null), account(LOGGER, 0n, LOGGER_CODE)],
]);
const source = replaySource(state);
const parent: Header = {
  parentHash: ZERO_HASH,
  stateRoot: state.root,
  transactionsRoot: EMPTY_TRIE_ROOT,
  receiptsRoot: EMPTY_TRIE_ROOT,
  logsBloom: new Uint8Array(256),
  number: 0n,
  gasUsed: 0n,
  timestamp: 0n,
  checkpointsRoot: ZERO_HASH,
  withdrawalsRoot: EMPTY_TRIE_ROOT,
  prevRandao: ZERO_HASH,
  baseFeePerGas: GENESIS_BASE_FEE,
};

const factsOf = ({ chainId, header }: { readonly chainId: ChainId; readonly header: Header }): BlockFacts => {
  return { chainId, number: header.number, parentHash: header.parentHash, environment: environmentOf(header) };
};

/** Posts a batch in whose second block somebody lies; gives it with what is wrong in it. */
async function posted(lie: Lie, third: { readonly nonce: bigint; readonly value: bigint } = { nonce: 2n, value: 3n }) {
  const { chainId } = network;
  const first = await network.nextBlock();
  const number = first + BigInt(POSITION);
  const fees = { maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n, accessList: [], authorizations: [] };
  const sign = (fields: { readonly to: Address; readonly nonce: bigint; readonly value: bigint }): Uint8Array =>
    signedTransaction(KEY, { type: 2, gasLimit: 100_000n, data: new Uint8Array(0), ...fees, ...fields }, chainId);
  const context = contextTransaction(number, { slot: 5n, l1Block: 44n, l1BaseFee: 3n, generation: 0n }, 4);
  const raws = [
    encodeSystemTransaction(chainId, context),
    sign({ to: RECEIVER, nonce: 0n, value: 5n }),
    sign({ to: LOGGER, nonce: 1n, value: 0n }),
    sign({ to: RECEIVER, ...third }),
  ];
  const times = { timestamp: 1_800_000_000n, baseFeePerGas: GENESIS_BASE_FEE, prevRandao: ZERO_HASH };
  const facts = { chainId, number, parentHash: hashHeader(parent), environment: environmentOf(times) };
  const claimed = await claimedBlock(engine, facts, source, { stateRoot: state.root, raws, lie });
  const blocks = Array.from({ length: BLOCKS }, (_, i): PostedBlock => {
    return { ...claimed, header: { ...claimed.header, number: first + BigInt(i) } };
  });
  const batch = await network.post(blocks);
  const { outcomes, ...rest } = claimed;
  const finding = await checkpointsFinding(engine, source, parent, { ...rest, outcomes });
  const { leaves } = finding.kind === "wrong-checkpoint" ? finding.wrong : { leaves: [] };
  const byLeaves = await checkpointsFinding(engine, source, parent, { ...rest, leaves });
  return { batch, finding, byLeaves, claimed };
}

const changing =
  (at: number, change: Partial<BlockOutcome>): Lie =>
  (index, outcome) =>
    index === at ? { ...outcome, ...change } : outcome;

const LIES: readonly (readonly [string, number, Lie])[] = [
  ["wrong balance", TRANSFER, (index, outcome) => (index === TRANSFER ? richer(outcome, RECEIVER) : outcome)],
  ["wrong gas", CALL, changing(CALL, { gasUsed: 21_000n })],
  ["log left out", CALL, changing(CALL, { logs: [] })],
  ["context that writes nothing", CONTEXT, changing(CONTEXT, { writes: [] })],
];

describe("one transaction on L1", () => {
  it.each(LIES)(
    "convicts a sequencer for its lie: %s",
    async (_, index, lie) => {
      const { batch, finding } = await posted(lie);
      expect(finding).toMatchObject({ kind: "wrong-checkpoint", wrong: { claimed: { index }, invalid: null } });
      if (finding.kind !== "wrong-checkpoint") return;
      const { end } = await network.prove(batch, POSITION, finding.wrong, parent);
      expect(end).toBe("proven");
      expect(await network.nextBlock()).toBe(batch.header.firstBlock);
    },
    60_000,
  );

  it.each(LIES)(
    "convicts a sequencer for its lie where its checkpoints are known by their hashes alone: %s",
    async (_, index, lie) => {
      const { batch, byLeaves } = await posted(lie);
      if (byLeaves.kind !== "wrong-checkpoint") return expect.unreachable(byLeaves.kind);
      const { wrong } = byLeaves;
      expect(wrong).toMatchObject({ index, claimed: wrong.leaves[index], invalid: null });
      expect(await askReplay(network.reader, wrong)).toMatchObject({ kind: "verdict", differs: true });
      expect((await network.prove(batch, POSITION, wrong, parent)).end).toBe("proven");
    },
    60_000,
  );

  it("convicts a sequencer that includes what may not stand in a block, also where its checkpoints are known by their hashes", async () => {
    const { batch, byLeaves } = await posted((_index, outcome) => outcome, { nonce: 2n, value: FUNDS });
    if (byLeaves.kind !== "wrong-checkpoint") return expect.unreachable(byLeaves.kind);
    expect(byLeaves.wrong).toMatchObject({ index: THIRD, invalid: "insufficient-funds" });
    expect(await askReplay(network.reader, byLeaves.wrong)).toMatchObject({ kind: "verdict", differs: true });
    expect((await network.prove(batch, POSITION, byLeaves.wrong, parent)).end).toBe("proven");
  }, 60_000);

  it("convicts a sequencer that includes what may not stand in a block", async () => {
    const { batch, finding } = await posted((_index, outcome) => outcome, { nonce: 2n, value: FUNDS });
    expect(finding).toMatchObject({ wrong: { claimed: { index: THIRD }, invalid: "insufficient-funds" } });
    if (finding.kind !== "wrong-checkpoint") return;
    expect((await network.prove(batch, POSITION, finding.wrong, parent)).end).toBe("proven");
  }, 60_000);

  it("costs an accuser its bond where the checkpoint is right, and takes nothing from the sequencer", async () => {
    const { batch, claimed } = await posted((_index, outcome) => outcome);
    const replay = new BlockReplay(engine, factsOf(claimed), source, state.root);
    const checkpoints: Checkpoint[] = [];
    for (const raw of claimed.transactions.slice(0, CALL)) checkpoints.push(replay.apply(await replay.execute(raw)));
    const step = await replay.execute(claimed.transactions[CALL]!);
    const { before } = replay;
    const evidence = wholeEvidence(replay.witness(step));
    checkpoints.push(replay.apply(step));
    checkpoints.push(replay.apply(await replay.execute(claimed.transactions[THIRD]!)));
    const accusation: WrongCheckpoint = {
      facts: replay.facts,
      index: CALL,
      raw: step.raw,
      before,
      previous: checkpoints[TRANSFER]!,
      claimed: checkpoints[CALL]!,
      leaves: checkpoints.map(checkpointLeaf),
      invalid: null,
      steps: 0,
      evidence,
      parts: () => Promise.reject(new Error("L1 replays it at once")),
    };
    // a prover asks L1 before it accuses, and does not
    const found = { fault: { proof: "execution", wrong: accusation }, position: POSITION, parent } as const;
    const committed = commitmentsOf(batch.blocks);
    const blob = () => Promise.reject(new Error("the batch is in calldata"));
    const faults = [{ ...found, committed, hashesBefore: [] }] as const;
    const asked = await accusationOf({ l1: network.reader, deployedAtBlock: 0n }, { ...batch, blob }, faults);
    expect(asked).toEqual({ kind: "no-verdict", reason: "L1's replay comes to the claimed checkpoint" });
    const leaf = { ...accusation, claimed: accusation.leaves[CALL]! };
    expect(await askReplay(network.reader, leaf)).toMatchObject({ kind: "verdict", differs: false });
    expect((await network.prove(batch, POSITION, accusation, parent)).end).toBe("refuted");
    expect(await network.nextBlock()).toBe(batch.header.lastBlock + 1n);
  }, 60_000);
});
