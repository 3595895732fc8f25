/** The ports of a sequencer that makes blocks as everybody does, and then tells others of another one. */
import { blockRoots, type NetworkSettings, type NodeCore, type Ports, rootsAfter } from "@mvm/node";
import {
  blockDigest,
  type ChainId,
  decodeBlock,
  decodeRequest,
  encodeAnswer,
  encodeBlock,
  encodeBlocks,
  encodeRequest,
  hashHeader,
  isPosters,
  merkleRoot,
  REQUESTS,
  type SealedBlock,
  shownEvidence,
  transactionsLeaf,
  type UnsignedBlock,
} from "@mvm/protocol";
import { makeSidecar, toBlob } from "@mvm/protocol/blobs";
import { executed } from "./executed.ts";
import { lateAnswer } from "./lateAnswer.ts";
import type { Claimed, Executable, LiarMeans, Lie, Posted, WorkLie } from "./lies.ts";
import { wrongParts } from "./wrongParts.ts";

type Told = {
  readonly honest: SealedBlock;
  /** set once it is made up */
  claimed: SealedBlock | null;
  /** the batch as it was posted; null before */
  posted: { readonly firstBlock: bigint; readonly blocks: readonly SealedBlock[] } | null;
};

type Network = Ports["network"];

/** Milliseconds between two looks at what is asked for. */
const LOOK_MS = 500;

/** An object with some of its methods replaced. */
function over<T extends object>(target: T, changes: Partial<T>): T {
  const get = (_: T, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(key in changes ? changes : target, key, target);
    return typeof value === "function" && !(key in changes) ? value.bind(target) : value;
  };
  return new Proxy(target, { get });
}

/** A blob of data that is none in its last element. */
async function spoiltSidecar(data: Uint8Array): ReturnType<Ports["kzg"]["sidecar"]> {
  const blob = toBlob(data);
  blob[blob.length - 32] = 1;
  return makeSidecar(blob, "blob");
}

export class Liar {
  readonly #real: Ports;
  readonly #settings: NetworkSettings;
  readonly #core: () => NodeCore;
  readonly #means: LiarMeans;
  readonly #onLie: (lie: { readonly dac: string; readonly block: number }) => void;
  /** by the DACs' labels */
  readonly #lies: ReadonlyMap<string, Lie>;
  readonly #told = new Map<ChainId, Told>();
  /** whether the next blob is to be one that is no data */
  #isBlobSpoilt = false;

  constructor(options: {
    ports: Ports;
    settings: NetworkSettings;
    core: () => NodeCore;
    lies: ReadonlyMap<string, Lie>;
    means: Omit<LiarMeans, "providerAt">;
    /** told when a lie is out */
    onLie: (lie: { readonly dac: string; readonly block: number }) => void;
  }) {
    this.#real = options.ports;
    this.#settings = options.settings;
    this.#core = options.core;
    this.#lies = options.lies;
    const providerAt = (index: number) => this.#core().view.provider(index)?.operator;
    this.#means = { ...options.means, providerAt };
    this.#onLie = options.onLie;
    // the node's poster has the same object
    const { kzg } = this.#real;
    const sidecar = kzg.sidecar.bind(kzg);
    kzg.sidecar = async (data) => (this.#isBlobSpoilt ? spoiltSidecar(data) : sidecar(data));
  }

  get ports(): Ports {
    const { network, seals, marks, poster } = this.#real;
    return over(this.#real, {
      network: over(network, {
        publish: (topic, bytes) => this.#publish(topic, bytes),
        handle: (protocol, limits, handler) =>
          network.handle(protocol, limits, async (from, bytes, signal) => {
            const answer = protocol === REQUESTS.blocks.protocol ? this.#answer(bytes) : bytes;
            return answer instanceof Uint8Array ? handler(from, answer, signal) : encodeAnswer(answer);
          }),
      } satisfies Partial<Network>),
      seals: over(seals, {
        put: async (block) => {
          // what comes after the lie would be upon the block in whose place it was told
          if (this.#standingLie(block.chainId) !== undefined) throw new Error("one lie is enough");
          await seals.put(block);
        },
      }),
      // its lies are its own
      marks: over(marks, { has: () => true }),
      poster: over(poster, {
        appendBatch: (draft) => poster.appendBatch(this.#draft(draft)),
        answer: (shown) => {
          // what is between a transaction's parts the lie says, not the node
          const isLie = isPosters(shown.answer) && this.#standingLie(shown.header.chainId) !== undefined;
          return isLie ? Promise.reject(new Error("the liar answers for itself")) : poster.answer(shown);
        },
      }),
    });
  }

  /** The lie that was told on a chain and has neither fallen nor come too late; an equivocation is none that a chain rests on. */
  #standingLie(chainId: ChainId): Told | undefined {
    const told = this.#told.get(chainId);
    if (told === undefined || this.#lieTo(chainId)?.about === "twice") return undefined;
    if (told.honest.generation !== this.#core().view.generation(chainId)) return undefined;
    return this.#isOvertaken(told) ? undefined : told;
  }

  /** Whether others' blocks are on L1 in the place of a lie, or before it in that of its parent. */
  #isOvertaken({ honest: { chainId, header } }: Told): boolean {
    const { view, chains } = this.#core();
    const batch = view.batches(chainId).find(({ header: { lastBlock } }) => lastBlock >= header.number);
    if (batch !== undefined) return batch.header.poster !== this.#real.identity.operator;
    const parent = chains.get(chainId)!.block(header.number - 1n)?.header;
    return parent === undefined || hashHeader(parent) !== header.parentHash;
  }

  /** Whether a lie is still to be told on a chain: one that came too late convicts nobody. */
  #isToLie(chainId: ChainId): boolean {
    const told = this.#told.get(chainId);
    if (told === undefined) return true;
    const isOfNow = told.honest.generation === this.#core().view.generation(chainId);
    return isOfNow && this.#lieTo(chainId)?.about !== "twice" && this.#isOvertaken(told);
  }

  #lieTo(chainId: ChainId): Lie | undefined {
    return this.#lies.get(this.#core().view.dac(chainId)?.label ?? "");
  }

  async #publish(topic: string, bytes: Uint8Array): Promise<void> {
    const { network } = this.#real;
    if (!topic.includes("/blocks/")) return network.publish(topic, bytes);
    const block = decodeBlock(bytes);
    const lie = this.#lieTo(block.chainId);
    if (lie === undefined || !this.#isToLie(block.chainId) || !lie.fits(block)) return network.publish(topic, bytes);
    const told: Told = { honest: block, claimed: null, posted: null };
    this.#told.set(block.chainId, told);
    told.claimed = await this.#madeUp(block, lie);
    if (lie.about === "twice") await network.publish(topic, bytes);
    if (lie.shown === undefined) await network.publish(topic, encodeBlock(told.claimed));
    if (lie.shown === "on-l1" || lie.isHeavy || lie.hiddenEvidence) this.#lookForAsks(block.chainId);
    this.#onLie({ dac: this.#core().view.dac(block.chainId)!.label, block: Number(block.header.number) });
  }

  /** The block as it is claimed, signed. */
  async #madeUp(block: SealedBlock, lie: Lie): Promise<SealedBlock> {
    const chain = this.#core().chains.get(block.chainId)!;
    const parent = chain.block(block.header.number - 1n)!.header;
    const { signature: _, ...honest } = block;
    if (lie.about === "data") return block;
    const claim = async (): Promise<UnsignedBlock> => {
      if (lie.about === "header" || lie.about === "twice")
        return { ...honest, header: lie.change(block.header, parent) };
      if (lie.about === "work") return this.#worked(honest, lie.change(block, this.#means));
      const claimed =
        lie.about === "outcomes"
          ? await lie.change(block, this.#means)
          : await this.#execution(block, lie.change(block));
      return { ...honest, ...claimed, header: { ...block.header, ...(await this.#roots(block, claimed)) } };
    };
    const unsigned = await claim();
    const { identity } = this.#real;
    return { ...unsigned, signature: identity.signDigest(blockDigest(this.#settings.network, unsigned)) };
  }

  /** What a block is of which something else is said of who did its job. */
  async #worked(honest: UnsignedBlock, lie: WorkLie): Promise<UnsignedBlock> {
    const { l1BaseFee } = honest.context;
    const block = { ...honest, ...lie };
    const claimed = await this.#execution(block, { transactions: lie.transactions, l1BaseFee });
    return { ...block, ...claimed, header: { ...lie.header, ...(await this.#roots(block, claimed)) } };
  }

  /** What other transactions do in a block's place, upon the same state. */
  async #execution(block: UnsignedBlock, { transactions, l1BaseFee }: Executable): Promise<Claimed> {
    const { reader } = this.#before(block);
    return { transactions, outcomes: await executed({ ...block, transactions }, reader, l1BaseFee) };
  }

  /** The state before a block, as hosts prove it. */
  #before({ chainId, header }: UnsignedBlock) {
    const core = this.#core();
    const chain = core.chains.get(chainId)!;
    const { stateRoot } = chain.block(header.number - 1n)!.header;
    const { signal } = new AbortController();
    return { stateRoot, reader: core.hosts.readerAt(chain, { stateRoot, number: header.number }, signal) };
  }

  async #roots(block: UnsignedBlock, { transactions, outcomes }: Claimed) {
    const { stateRoot, reader } = this.#before(block);
    return blockRoots(transactions, outcomes, await rootsAfter(reader, stateRoot, outcomes));
  }

  /** The batch with the lie in it, where it reaches that far; it has to end with it. */
  #draft(draft: Parameters<Ports["poster"]["appendBatch"]>[0]): typeof draft {
    const { chainId, firstBlock, lastBlock, poster } = draft.claims;
    const told = this.#standingLie(chainId);
    this.#isBlobSpoilt = false;
    if (told === undefined || lastBlock < told.honest.header.number) return draft;
    if (told.claimed === null || lastBlock !== told.honest.header.number) throw new Error("not this batch");
    const core = this.#core();
    const chain = core.chains.get(chainId)!;
    const blocks: SealedBlock[] = [];
    for (let number = firstBlock; number < lastBlock; number++) blocks.push(chain.block(number)!);
    blocks.push(told.claimed);
    told.posted = { firstBlock, blocks };
    const encode = (posted: readonly SealedBlock[]): Uint8Array =>
      encodeBlocks(posted, {
        poster,
        queueEnd: chain.block(firstBlock - 1n)!.context.queueEnd,
      });
    this.#isBlobSpoilt = this.#lieTo(chainId)?.spoilsBlob ?? false;
    const data = this.#data(this.#lieTo(chainId)!, { blocks, data: draft.data, encode });
    const blocksRoot = merkleRoot(blocks.map(({ header }) => hashHeader(header)));
    const transactionsRoot = merkleRoot(blocks.map(transactionsLeaf));
    return { ...draft, data, claims: { ...draft.claims, blocksRoot, transactionsRoot } };
  }

  /** Data of a batch that ends with the lie. */
  #data(lie: Lie, posted: Posted): Uint8Array {
    if (lie.about === "data") return lie.change(posted);
    return lie.about === "transactions" ? posted.data : posted.encode(posted.blocks);
  }

  /** Who asks for the blocks of its batch gets them, unless the lie is to show nothing. Else the request that is to be answered. */
  #answer(bytes: Uint8Array): Parameters<typeof encodeAnswer>[0] | Uint8Array {
    const { chainId, from, count } = decodeRequest("blocks", bytes).body;
    const told = this.#standingLie(chainId);
    const posted = told?.posted;
    if (told !== undefined && this.#lieTo(chainId)?.shown !== undefined) {
      const before = Number(told.honest.header.number - from);
      if (before <= 0) return { name: "blocks", body: { kind: "blocks", blocks: [] } };
      return encodeRequest({ name: "blocks", body: { chainId, from, count: Math.min(count, before) } });
    }
    if (!posted || from < posted.firstBlock) return bytes;
    const at = Number(from - posted.firstBlock);
    if (at >= posted.blocks.length) return bytes;
    const blocks = posted.blocks.slice(at, at + count).map(encodeBlock);
    return { name: "blocks", body: { kind: "blocks", blocks } };
  }

  /** Shows on L1 what is asked for of its batch there, as long as the lie stands. */
  #lookForAsks(chainId: ChainId): void {
    const { clock } = this.#real;
    clock.at(clock.nowMs() + LOOK_MS, () => {
      const told = this.#standingLie(chainId);
      if (told === undefined) return;
      // what L1 refuses, it had been shown already
      this.#answerAsk(chainId, told).then(
        () => this.#lookForAsks(chainId),
        () => this.#lookForAsks(chainId),
      );
    });
  }

  async #answerAsk(chainId: ChainId, { honest, posted }: Told): Promise<void> {
    const { standing } = this.#core().view.openAsks();
    const ask = standing.find(({ batch: { header } }) => {
      return header.chainId === chainId && header.lastBlock === honest.header.number;
    });
    if (ask === undefined || posted === null || ask.item.kind === "stretch" || ask.item.kind === "bytes") return;
    const { header } = ask.batch;
    const key = `late:${ask.batchHash}:${ask.number}`;
    if (ask.item.kind === "evidence") {
      const hidden = this.#lieTo(chainId)?.hiddenEvidence;
      if (!hidden) return;
      const answer = { ...ask.item, evidence: shownEvidence(hidden(honest)) };
      await this.#real.poster.answer({ header, answer, key });
      return;
    }
    const { stateRoot, reader } = this.#before(honest);
    const rootsOf = ({ outcomes }: SealedBlock) => rootsAfter(reader, stateRoot, outcomes);
    const { blocks } = posted;
    const core = this.#core();
    const around = {
      ...{ blocks, honest, rootsOf, engine: core.engine, reader: () => this.#before(honest).reader },
      parent: core.chains.get(chainId)!.block(honest.header.number - 1n)!,
    };
    const answer =
      ask.item.kind === "parts" ? await wrongParts(around, ask.item) : await lateAnswer(blocks, ask.item, rootsOf);
    await this.#real.poster.answer({ header, answer, key });
  }
}
