/** Batches whose blocks follow from their data, on a real L1; lies about them; and what L1's judges say. */
import {
  type AccusedBatch,
  approve,
  type DerivationProof,
  encodeCharter,
  FRAUDS,
  headOf,
  INTERFACES,
  proveDerivation,
  queueItemAt,
  register,
} from "@mvm/l1";
import { commitmentsOf, type DerivationSource, derivationFinding, type PostedBatch } from "@mvm/node";
import {
  type Address,
  AddressTable,
  type BatchHeader,
  type BlockContext,
  claimsOf,
  depositItem,
  encodeBlocks,
  encodeSystemTransaction,
  type Founding,
  fromHex,
  GENESIS_BASE_FEE,
  genesisAccount,
  genesisWrites,
  type Header,
  type Hex,
  hashHeader,
  inCalldata,
  keccakHash,
  NO_WORK,
  PREDEPLOYS,
  PROFILES,
  prevRandaoOf,
  type SealedBlock,
  seatedIn,
  servedBy,
  TABLE_SIZE_SLOT,
  tableSlot,
  toAddress,
  toWord,
  type Work,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { closingTransaction, openingTransactions, type QueuedItem } from "@mvm/roles";
import type { Result } from "ethers";
import { CHARTER, signUpOf } from "../src/bench/batchNetwork.ts";
import { ReplayNetwork } from "../src/bench/replayNetwork.ts";
import { storedState } from "../src/replay/storedState.ts";
import { signedTransaction } from "../src/signedTransaction.ts";

const KEY = new Uint8Array(32).fill(7);
const SEQUENCER = toAddress("0x00000000000000000000000000000000000005e9");
/** has a number in the table */
const KNOWN = toAddress("0x00000000000000000000000000000000000beef1");
const [NUMBER, SIZE] = [1, 3];
/** The only provider has a seat, and stands in for another one. */
const WORK: Work = { attempt: 0, seats: [0, null, 0] };
const { epochBlocks } = PROFILES.mainnet;
const JUDGES = { derivation: "dataVerifier", context: "blockVerifier", closing: "closingVerifier" } as const;

const state = storedState([
  genesisWrites(),
  [
    {
      address: PREDEPLOYS.addressTable,
      account: genesisAccount(PREDEPLOYS.addressTable)!,
      code: null,
      slots: [
        { slot: tableSlot(KNOWN), value: BigInt(NUMBER + 1) },
        { slot: TABLE_SIZE_SLOT, value: BigInt(SIZE) },
      ],
    },
  ],
]);
/** The block before the first. */
const before: Header = {
  parentHash: ZERO_HASH,
  stateRoot: state.root,
  transactionsRoot: ZERO_HASH,
  receiptsRoot: ZERO_HASH,
  logsBloom: new Uint8Array(256),
  number: 0n,
  gasUsed: 0n,
  timestamp: 1_700_000_000n,
  checkpointsRoot: ZERO_HASH,
  withdrawalsRoot: ZERO_HASH,
  prevRandao: ZERO_HASH,
  baseFeePerGas: GENESIS_BASE_FEE,
};

export type LabBlock = Pick<SealedBlock, "chainId" | "generation" | "header" | "context" | "transactions">;
type Values = Pick<BlockContext, "slot" | "l1Block" | "l1BaseFee">;
/** How a batch is made. */
export type Shape = {
  readonly blocks?: number;
  readonly users?: number;
  /** table that the data are written with */
  readonly table?: AddressTable;
  /** of the last block, seconds; else all follow two seconds after one another */
  readonly lastTimestamp?: bigint;
  /** of the block at a position; the later of two recorded ones unless said */
  readonly slotAt?: (position: number) => bigint;
};

export class DerivationLab {
  readonly network: ReplayNetwork;
  readonly #values: readonly Values[];
  readonly #item: QueuedItem;
  readonly #founding: Founding;

  private constructor(network: ReplayNetwork, values: readonly Values[], item: QueuedItem) {
    this.network = network;
    this.#values = values;
    this.#item = item;
    const { timelock: metisDao, bridge } = network.addresses;
    this.#founding = { charter: fromHex(encodeCharter(CHARTER)), metisDao, bridge };
  }

  static async start(sequencers: number): Promise<DerivationLab> {
    const network = await ReplayNetwork.start(sequencers);
    const { reader, chainId, addresses, operator } = network;
    const stakeWei = PROFILES.mainnet.minProviderStakeWei;
    await network.send(approve(addresses, "providerRegistry", stakeWei));
    const signUp = signUpOf("provider", addresses.providerRegistry, operator);
    await network.send(register(addresses, "provider", { signUp, stakeWei }));
    const values: Values[] = [];
    for (let i = 0; i < 2; i++) {
      const slot = await network.beginSlot();
      const data = INTERFACES.beacon.encodeFunctionData("recordOf", [slot]);
      const answer = (await reader.transport.send("eth_call", [
        { to: reader.addresses.beacon, data },
        "latest",
      ])) as Hex;
      const [record] = INTERFACES.beacon.decodeFunctionResult("recordOf", answer) as unknown as [Result];
      values.push({ slot, l1Block: record["number"], l1BaseFee: record["baseFee"] });
    }
    const { from, to, mint, ...rest } = await queueItemAt(reader, { chainId, index: 0n, fromBlock: 0n });
    return new DerivationLab(network, values, { ...rest, item: depositItem({ queueIndex: 0n, from, to, mint }) });
  }

  stop(): Promise<void> {
    return this.network.stop();
  }

  /** Slots that are recorded, ascending. */
  get slots(): readonly bigint[] {
    return this.#values.map(({ slot }) => slot);
  }

  /** an address of the table */
  readonly known = KNOWN;

  /** What batches have to follow from. */
  get source(): DerivationSource {
    return {
      valuesOf: (slot) => this.#values.find((own) => own.slot === slot),
      queueItem: (index) => (index === 0n ? this.#item : undefined),
      providerAt: (index) => (index === 0 ? this.network.operator : undefined),
      founding: this.#founding,
      storageUnits: 1,
      epochBlocks,
      previous: undefined,
      parent: before,
      addressAt: (_, index) => (index === BigInt(NUMBER) ? KNOWN : undefined),
      nodes: state.nodes,
    };
  }

  /** Blocks 1 and on, as a sequencer makes them, and their data. */
  async make(shape: Shape = {}): Promise<{ readonly blocks: readonly LabBlock[]; readonly data: Uint8Array }> {
    const { blocks: count = 3, users = 4, slotAt = () => this.slots.at(-1)! } = shape;
    const { generation } = await headOf(this.network.reader, this.network.chainId);
    const blocks: LabBlock[] = [];
    for (let i = 0; i < count; i++) {
      const parent = blocks.at(-1)?.header ?? before;
      const timestamp = (i === count - 1 ? shape.lastTimestamp : undefined) ?? parent.timestamp + 2n;
      blocks.push(this.#block({ position: i, users, slot: slotAt(i), generation, parent, timestamp }));
    }
    const table = shape.table ?? new AddressTable(SIZE, [[KNOWN, NUMBER]]);
    const posting = { poster: ZERO_ADDRESS, queueEnd: 0n, table };
    return { blocks, data: encodeBlocks(blocks as unknown as readonly SealedBlock[], posting) };
  }

  #block(at: {
    readonly position: number;
    readonly users: number;
    readonly slot: bigint;
    readonly generation: bigint;
    readonly parent: Header;
    readonly timestamp: bigint;
  }): LabBlock {
    const { position, slot, generation, parent, timestamp } = at;
    const { chainId } = this.network;
    const number = BigInt(position + 1);
    const randomness = keccakHash(toWord(number));
    const evidence = keccakHash(fromHex(randomness));
    const work = at.users === 0 ? NO_WORK : WORK;
    const values = this.#values.find((own) => own.slot === slot) ?? { l1Block: 1n, l1BaseFee: 1n };
    const context = { slot, ...values, queueEnd: 1n, randomness, work, evidence };
    const users = Array.from({ length: at.users }, (_, i) => this.user(BigInt(position * at.users + i)));
    const queueItems = position === 0 ? [this.#item.item] : [];
    const paid = [SEQUENCER, ...servedBy(work).map(() => this.network.operator)] as const;
    const closing = closingTransaction(
      chainId,
      { number, l1BaseFee: context.l1BaseFee },
      { paid, seated: seatedIn(work), transactions: users },
    );
    const opening = (transactionCount: number) =>
      openingTransactions({ number, generation, context, founding: this.#founding, queueItems, transactionCount });
    const transactionCount = opening(0).length + users.length + 1;
    const encoded = [...opening(transactionCount), closing].map((own) => encodeSystemTransaction(chainId, own));
    const header = {
      ...parent,
      parentHash: hashHeader(parent),
      number,
      timestamp,
      prevRandao: prevRandaoOf(randomness),
    };
    const transactions = [...encoded.slice(0, -1), ...users, encoded.at(-1)!];
    return { chainId, generation, header, context, transactions };
  }

  /** A user's transaction to an address of the table. */
  user(nonce: bigint, value = 5n): Uint8Array {
    const fees = { maxFeePerGas: GENESIS_BASE_FEE, maxPriorityFeePerGas: 0n, accessList: [] };
    const call = { type: 2, to: KNOWN, nonce, value, gasLimit: 21_000n, data: new Uint8Array(0) } as const;
    return signedTransaction(KEY, { ...call, ...fees }, this.network.chainId);
  }

  /** A batch as it would be posted; nobody posts it. */
  claimed(blocks: readonly LabBlock[], data: Uint8Array, change: Partial<BatchHeader> = {}): PostedBatch {
    const place = { index: 0n, previousBatchHash: ZERO_HASH, slot: this.slots.at(-1)!, poster: SEQUENCER };
    const claims = claimsOf(blocks as unknown as readonly SealedBlock[], place);
    return {
      header: { ...claims, ...inCalldata(data), ...change },
      data,
      postedAt: before.timestamp,
      ...commitmentsOf(blocks),
    };
  }

  find(batch: PostedBatch): DerivationProof | null {
    return derivationFinding(batch, this.source);
  }

  /** What the judge says that Disputes would ask. Throws where it refuses. */
  async judge({ header }: Pick<PostedBatch, "header">, proof: DerivationProof): Promise<boolean> {
    const { reader } = this.network;
    const accused: AccusedBatch = {
      header,
      posting: { postedAt: 0n, position: 0n, count: 1n, siblings: [] },
      previous: undefined,
    };
    const { data } = proveDerivation(reader.addresses, accused, proof);
    const [batch, fraud, bytes] = INTERFACES.disputes.decodeFunctionData("proveBy", data).toArray();
    const judge = JUDGES[FRAUDS[Number(fraud)] as keyof typeof JUDGES];
    const input = INTERFACES[judge].encodeFunctionData("judge", [(batch as Result)[0], bytes]);
    const asked = { to: reader.addresses[judge] as Address, data: input, gas: "0xffffff" };
    const answer = (await reader.transport.send("eth_call", [asked, "latest"])) as Hex;
    return INTERFACES[judge].decodeFunctionResult("judge", answer)[0] as boolean;
  }
}

/** A block with another transaction at a place; null: without it. */
export function withTransaction(block: LabBlock, place: number, other: Uint8Array | null): LabBlock {
  return {
    ...block,
    transactions: block.transactions.flatMap((raw, i) => (i !== place ? [raw] : other === null ? [] : [other])),
  };
}
