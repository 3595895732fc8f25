/** Lies that are posted on an L1 with the network's contracts, and proofs against them. */
import {
  appendBatches,
  approve,
  type BatchProof,
  batchDigestOf,
  commitTo,
  depositAccuserBond,
  type Evidence,
  ejectSequencer,
  encodeEvidence,
  headOf,
  INTERFACES,
  type L1Call,
  type L1Reader,
  L1Submitter,
  proofEnd,
  proveExecution,
  queueLength,
  roomsFor,
  sequencerOf,
} from "@mvm/l1";
import { commitmentsOf, executionProof, type WrongCheckpoint } from "@mvm/node";
import {
  type Address,
  type BatchHeader,
  type ChainId,
  claimsOf,
  fromHex,
  type Hash,
  type Header,
  type Hex,
  hashBatchHeader,
  inBlob,
  inCalldata,
  LIMITS,
  PROFILES,
  type SealedBlock,
  signDigest,
  toAddress,
  toHash,
  toHex,
} from "@mvm/protocol";
import type { BlobSidecar } from "@mvm/protocol/blobs";
import { toQuantity, type Wallet } from "ethers";
import { type BatchNetwork, L1_CHAIN_ID, startBatchNetwork } from "./batchNetwork.ts";

const POLL_MS = 5;
/** slots after which nobody is drawn any more who was ejected */
const EJECTION_SLOTS = 3;
const BONDS = 10n;
/** first asks on batches that its prover can pay */
const ASKS = 100n;

/** What of a block is posted and proven. */
export type PostedBlock = Pick<SealedBlock, "chainId" | "header" | "transactions">;
export type Posted = {
  /** the chain's batch before; undefined for its first */
  readonly previous: BatchHeader | undefined;
  readonly blocks: readonly PostedBlock[];
  readonly header: BatchHeader;
  readonly posting: BatchProof;
};

/** Data of a batch; in a blob from a byte on, if any is given. */
export type PostedData = {
  readonly data: Uint8Array;
  readonly blob?: { readonly sidecar: BlobSidecar; readonly offset: number };
};
/** How a proof ended, and what it took. */
export type Judged = {
  readonly commit: number;
  readonly prove: number;
  readonly end: "proven" | "refuted" | null;
  readonly hash: Hash;
};

/** Gas of a prover's two transactions; and what the interpreter takes for the message's steps, without what is around them. */
export type ProofGas = { readonly commit: number; readonly prove: number; readonly steps: number };

type CallFrame = {
  readonly to?: string;
  readonly input: string;
  readonly gasUsed: string;
  readonly calls?: readonly CallFrame[];
};

/** The first call to a contract. */
function callTo(frame: CallFrame, to: Address): CallFrame | undefined {
  if (frame.to?.toLowerCase() === to) return frame;
  for (const inner of frame.calls ?? []) {
    const found = callTo(inner, to);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The interpreter's call for the same message with no gas: all is made ready, and nothing runs. */
function withoutGas(input: string): string {
  const [environment, message, ...rest] = INTERFACES.interpreter.decodeFunctionData("replay", input).toArray(true);
  // message: caller, to, isCreation, value, gas, data
  const idle = (message as readonly unknown[]).with(4, 0n);
  return INTERFACES.interpreter.encodeFunctionData("replay", [environment, idle, ...rest]);
}

export class ReplayNetwork {
  readonly #network: BatchNetwork;
  readonly #prover: L1Submitter;
  readonly #ending = new AbortController();
  readonly #holders = new Map<Hash, Address>();
  /** the chain's batches that stand */
  readonly #standing: BatchHeader[] = [];

  private constructor(network: BatchNetwork) {
    this.#network = network;
    this.#prover = this.#submitterOf(network.carrier);
  }

  #submitterOf(wallet: Wallet): L1Submitter {
    const { provider: transport } = this.#network;
    const { signal } = this.#ending;
    return new L1Submitter({ transport, l1ChainId: L1_CHAIN_ID, wallet, signal, pollMs: POLL_MS });
  }

  /** Starts one; its prover has paid a bond, and may ask. */
  static async start(sequencers: number): Promise<ReplayNetwork> {
    const network = new ReplayNetwork(await startBatchNetwork({ dacs: 1, sequencers }));
    const bond = BONDS * PROFILES.mainnet.accuserBondWei;
    await network.#send(approve(network.addresses, "disputes", bond));
    await network.#send(depositAccuserBond(network.addresses, bond));
    await network.#send(approve(network.addresses, "disclosures", ASKS * PROFILES.mainnet.askPriceWei));
    return network;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#network.stop();
  }

  get addresses() {
    return this.#network.reader.addresses;
  }

  get chainId(): ChainId {
    return this.#network.dacs[0]!;
  }

  /** The network, and L1 as it stands. */
  get reader(): L1Reader {
    return this.#network.reader;
  }

  /** Goes to the next slot and takes its record. */
  beginSlot(): Promise<bigint> {
    return this.#network.beginSlot();
  }

  /** Who sends its calls; holds MT. */
  get operator(): Address {
    return toAddress(this.#network.carrier.address);
  }

  async #send(call: L1Call, by = this.#prover): Promise<{ readonly gas: number; readonly hash: Hash }> {
    const { gasUsed, transactionHash, succeeded } = await by.submit(call);
    if (!succeeded) throw new Error(`${call.action} failed on L1`);
    return { gas: Number(gasUsed), hash: transactionHash };
  }

  /** Sends a call as anyone may; gives its gas. */
  async send(call: L1Call): Promise<number> {
    return (await this.#send(call)).gas;
  }

  /** Sends a call as who has posted a batch; gives its gas. */
  async sendAsPoster({ header }: Pick<Posted, "header">, call: L1Call): Promise<number> {
    return (await this.#send(call, this.#submitterOf(this.#network.sequencers.get(header.poster)!))).gas;
  }

  /** Sends a call with as much gas as L1 lets a transaction have: a submitter would keep a reserve. */
  async #sendWithAllGas({ to, data, action }: L1Call): Promise<{ readonly gas: number; readonly hash: Hash }> {
    const sent = await this.#network.carrier.sendTransaction({ to, data, gasLimit: LIMITS.transactionGas });
    const receipt = await sent.wait();
    if (receipt?.status !== 1) throw new Error(`${action} failed on L1`);
    return { gas: Number(receipt.gasUsed), hash: toHash(receipt.hash) };
  }

  /** Number of the first block of the chain's next batch. */
  async nextBlock(): Promise<bigint> {
    return (await headOf(this.#network.reader, this.chainId)).lastBlock + 1n;
  }

  /** Posts blocks as the chain's next batch, in a slot for which nobody is drawn who was ejected before. */
  async post(blocks: readonly PostedBlock[], { data, blob }: PostedData = { data: Uint8Array.of(1) }): Promise<Posted> {
    const { reader, sequencers, provider } = this.#network;
    let slot = 0n;
    for (let i = 0; i < EJECTION_SLOTS; i++) slot = await this.#network.beginSlot();
    const head = await headOf(reader, this.chainId);
    const queueEnd = await queueLength(reader, this.chainId);
    const poster = await sequencerOf(reader, { chainId: this.chainId, slot, rank: 0 });
    const sealed = blocks.map((block) => ({ ...block, generation: head.generation, context: { queueEnd } }));
    const place = { index: head.nextIndex, previousBatchHash: head.lastBatchHash, slot, poster };
    const at =
      blob === undefined
        ? inCalldata(data)
        : inBlob(blob.sidecar.versionedHash, { offset: blob.offset, length: data.length });
    const header = { ...claimsOf(sealed as unknown as readonly SealedBlock[], place), ...at };
    const digest = await batchDigestOf(reader, hashBatchHeader(header), slot);
    const signature = signDigest(fromHex(sequencers.get(poster)!.privateKey as Hex), digest);
    const append = appendBatches(this.addresses, [{ header, data, signature }]);
    const { hash } = await this.#send(blob === undefined ? append : { ...append, sidecars: [blob.sidecar] });
    const receipt = (await provider.send("eth_getTransactionReceipt", [hash])) as { blockNumber: string };
    const block = (await provider.send("eth_getBlockByNumber", [receipt.blockNumber, false])) as { timestamp: string };
    const posting = { postedAt: BigInt(block.timestamp), position: 0n, count: 1n, siblings: [] };
    const previous = this.#standing.at(-1);
    this.#standing.push(header);
    return { previous, blocks, header, posting };
  }

  /** Puts codes on L1, as anyone may; they cost a proof no calldata then. */
  async hold(codes: Evidence["codes"]): Promise<void> {
    for (const { hash, code } of codes) {
      if (this.#holders.has(hash) || code.length === 0 || code[0] === 0xef) continue;
      const size = code.length.toString(16).padStart(4, "0");
      const data = `0x61${size}80600a5f395ff3${toHex(code).slice(2)}`;
      const sent = await this.#network.carrier.sendTransaction({ data, gasLimit: 16_000_000n });
      const receipt = await sent.wait();
      this.#holders.set(hash, toAddress(receipt!.contractAddress!));
    }
  }

  async #stepGas(frame: CallFrame): Promise<number> {
    const to = this.addresses.interpreter;
    const call = callTo(frame, to);
    if (call === undefined) return 0;
    const gasOf = async (data: string): Promise<number> => {
      const asked = [{ to, data, gas: toQuantity(LIMITS.transactionGas) }, "latest", { tracer: "callTracer" }];
      return Number(((await this.#network.provider.send("debug_traceCall", asked)) as CallFrame).gasUsed);
    };
    return (await gasOf(call.input)) - (await gasOf(withoutGas(call.input)));
  }

  /** Commits to a call that proves something of a batch, and makes it. */
  async accuse({ header }: Pick<Posted, "header">, call: L1Call): Promise<Judged> {
    const { provider, carrier } = this.#network;
    const commit = await this.#send(commitTo(this.addresses, toAddress(carrier.address), call));
    const prove = await this.#sendWithAllGas(call);
    const receipt = (await provider.send("eth_getTransactionReceipt", [prove.hash])) as {
      logs: { address: string; topics: string[]; data: string }[];
    };
    const end = proofEnd(this.addresses, receipt.logs);
    if (end === "proven") {
      this.#standing.splice(this.#standing.indexOf(header));
      await this.#send(ejectSequencer(this.addresses, header.poster));
    }
    return { commit: commit.gas, prove: prove.gas, end, hash: prove.hash };
  }

  /** Commits to a proof that a transaction was executed wrongly, and makes it. */
  async prove(
    { previous, blocks, header, posting }: Posted,
    position: number,
    wrong: WrongCheckpoint,
    parent: Header,
  ): Promise<Judged & ProofGas & { readonly data: Uint8Array }> {
    const evidence = encodeEvidence(
      wrong.evidence,
      roomsFor(wrong.evidence)[0]!,
      (code) => this.#holders.get(code) ?? null,
    );
    const proof = executionProof(wrong, { committed: commitmentsOf(blocks), position, parent }, evidence);
    const call = proveExecution(this.addresses, { header, posting, previous }, proof);
    const judged = await this.accuse({ header }, call);
    const { provider } = this.#network;
    const frame = (await provider.send("debug_traceTransaction", [judged.hash, { tracer: "callTracer" }])) as CallFrame;
    return { ...judged, steps: await this.#stepGas(frame), data: fromHex(call.data) };
  }
}
