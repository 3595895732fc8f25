/** Batches on a real L1 with a block upon a state that is known, about which somebody lies, or whom somebody accuses falsely. */
import type { Engine } from "@mvm/evm";
import {
  BlockReplay,
  checkpointsFinding,
  commitmentsOf,
  TransactionSlices,
  type WrongCheckpoint,
  wholeEvidence,
} from "@mvm/node";
import {
  type AccountWrite,
  type Address,
  addressOf,
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
import type { Posted, PostedBlock, ReplayNetwork } from "../bench/replayNetwork.ts";
import { signedTransaction, type UnsignedTransaction } from "../signedTransaction.ts";
import { claimedBlock, type Lie } from "./claimedBlock.ts";
import { FREE_CHARTER, replaySource, type StoredState, storedState } from "./storedState.ts";

const KEY = new Uint8Array(32).fill(7);
/** Of all transactions of a block but the first. */
const SENDER = addressOf(KEY);
export const FUNDS = 10n ** 20n;
export const RECEIVER = toAddress("0x00000000000000000000000000000000000beef1");
export const LOGGER = toAddress("0x00000000000000000000000000000000000109e5");
/** LOG0 of nothing. */
const LOGGER_CODE = Uint8Array.of(0x5f, 0x5f, 0xa0, 0x00);
/** blocks of a batch */
const BLOCKS = 3;
/** which one of them is upon the state */
export const POSITION = 1;
/** Place of a block's first transaction, which tells it the context. */
export const CONTEXT = 0;

export function account(address: Address, balance: bigint, bytes: Uint8Array | null): AccountWrite {
  const codeHash = bytes === null ? EMPTY_CODE_HASH : keccakHash(bytes);
  return { address, account: { nonce: bytes === null ? 0n : 1n, balance, codeHash }, code: bytes, slots: [] };
}

/** Of a block's transactions behind the first one, whose nonces count up. */
type UserTransaction = { readonly to: Address; readonly value: bigint } & Partial<UnsignedTransaction>;
type Claimed = Awaited<ReturnType<typeof claimedBlock>>;

export class ClaimLab {
  readonly network: ReplayNetwork;
  readonly #engine: Engine;
  readonly #state: StoredState;
  /** header of the block that left the state */
  readonly parent: Header;

  /** @param accounts of the state, beside the sender and a contract that logs */
  constructor(engine: Engine, network: ReplayNetwork, accounts: readonly AccountWrite[] = []) {
    this.#engine = engine;
    this.network = network;
    const known = [account(SENDER, FUNDS, null), account(LOGGER, 0n, LOGGER_CODE), ...accounts];
    this.#state = storedState([genesisWrites(), [FREE_CHARTER], known]);
    this.parent = {
      parentHash: ZERO_HASH,
      stateRoot: this.#state.root,
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
  }

  /** Posts a batch with a block of such transactions about which somebody lies. */
  async post(users: readonly UserTransaction[], lie: Lie): Promise<{ batch: Posted; claimed: Claimed }> {
    const { chainId } = this.network;
    const first = await this.network.nextBlock();
    const number = first + BigInt(POSITION);
    const context = contextTransaction(number, { slot: 5n, l1Block: 44n, l1BaseFee: 3n, generation: 0n }, 4);
    const shared = { type: 2, gasLimit: 100_000n, maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n } as const;
    const fields = { ...shared, data: new Uint8Array(0), accessList: [], authorizations: [] };
    const raws = [
      encodeSystemTransaction(chainId, context),
      ...users.map((own, i) => signedTransaction(KEY, { ...fields, nonce: BigInt(i), ...own }, chainId)),
    ];
    const times = { timestamp: 1_800_000_000n, baseFeePerGas: GENESIS_BASE_FEE, prevRandao: ZERO_HASH };
    const facts = { chainId, number, parentHash: hashHeader(this.parent), environment: environmentOf(times) };
    const source = replaySource(this.#state);
    const claimed = await claimedBlock(this.#engine, facts, source, { stateRoot: this.#state.root, raws, lie });
    const blocks = Array.from({ length: BLOCKS }, (_, i): PostedBlock => {
      return { ...claimed, header: { ...claimed.header, number: first + BigInt(i) } };
    });
    return { batch: await this.network.post(blocks), claimed };
  }

  /** What is wrong in a block that was posted, by its outcomes, or by the leaves of its checkpoints alone. */
  finding(claimed: Claimed | (Omit<Claimed, "outcomes"> & Pick<WrongCheckpoint, "leaves">)) {
    return checkpointsFinding(this.#engine, replaySource(this.#state), this.parent, claimed);
  }

  /** What an accuser says of a transaction whose checkpoint is right. */
  async falseAccusation({ chainId, header, transactions }: Claimed, index: number): Promise<WrongCheckpoint> {
    const { number, parentHash } = header;
    const facts = { chainId, number, parentHash, environment: environmentOf(header) };
    const replay = new BlockReplay(this.#engine, facts, replaySource(this.#state), this.#state.root);
    const checkpoints: Checkpoint[] = [];
    const follow = async (raws: readonly Uint8Array[]): Promise<void> => {
      for (const raw of raws) checkpoints.push(replay.apply(await replay.execute(raw)));
    };
    await follow(transactions.slice(0, index));
    const step = await replay.execute(transactions[index]!);
    const { before } = replay;
    const evidence = wholeEvidence(replay.witness(step));
    const cut = await replay.cut(step);
    await follow(transactions.slice(index));
    const claimed = checkpoints[index]!;
    const slices = new TransactionSlices(cut, claimed);
    const leaves = checkpoints.map(checkpointLeaf);
    const own = { facts, index, raw: step.raw, before, previous: checkpoints[index - 1] ?? null, claimed, leaves };
    return { ...own, invalid: null, steps: 0, evidence, parts: () => Promise.resolve(slices) };
  }

  /** A wrong checkpoint of a batch, as provers have found it. */
  found({ blocks }: Posted, wrong: WrongCheckpoint) {
    const place = { position: POSITION, parent: this.parent, committed: commitmentsOf(blocks), hashesBefore: [] };
    return { fault: { proof: "execution", wrong }, ...place } as const;
  }
}

/** A batch as an accusation takes it; its blob is not asked for. */
export const accused = (batch: Posted) => {
  return { ...batch, blob: () => Promise.reject(new Error("the batch is in calldata")) };
};

/** Claims something else of one transaction. */
export const changing =
  (at: number, change: Partial<Parameters<Lie>[1]>): Lie =>
  (index, outcome) =>
    index === at ? { ...outcome, ...change } : outcome;

export const honest: Lie = (_index, outcome) => outcome;
