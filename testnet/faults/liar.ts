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
  hashHeader,
  merkleRoot,
  REQUESTS,
  type SealedBlock,
  transactionsLeaf,
  type UnsignedBlock,
} from "@mvm/protocol";
import { executed } from "./executed.ts";
import type { Claimed, Executable, LiarMeans, Lie, Posted } from "./lies.ts";

type Told = {
  readonly honest: SealedBlock;
  /** set once it is made up */
  claimed: SealedBlock | null;
  /** the batch as it was posted; null before */
  posted: { readonly firstBlock: bigint; readonly blocks: readonly SealedBlock[] } | null;
};

type Network = Ports["network"];

/** An object with some of its methods replaced. */
function over<T extends object>(target: T, changes: Partial<T>): T {
  const get = (_: T, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(key in changes ? changes : target, key, target);
    return typeof value === "function" && !(key in changes) ? value.bind(target) : value;
  };
  return new Proxy(target, { get });
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

  constructor(options: {
    ports: Ports;
    settings: NetworkSettings;
    core: () => NodeCore;
    lies: ReadonlyMap<string, Lie>;
    means: LiarMeans;
    /** told when a lie is out */
    onLie: (lie: { readonly dac: string; readonly block: number }) => void;
  }) {
    this.#real = options.ports;
    this.#settings = options.settings;
    this.#core = options.core;
    this.#lies = options.lies;
    this.#means = options.means;
    this.#onLie = options.onLie;
  }

  get ports(): Ports {
    const { network, seals, poster } = this.#real;
    return over(this.#real, {
      network: over(network, {
        publish: (topic, bytes) => this.#publish(topic, bytes),
        handle: (protocol, limits, handler) =>
          network.handle(protocol, limits, async (from, bytes, signal) => {
            const answer = protocol === REQUESTS.blocks.protocol ? this.#answer(bytes) : null;
            return answer ?? handler(from, bytes, signal);
          }),
      } satisfies Partial<Network>),
      seals: over(seals, {
        put: async (block) => {
          // what comes after the lie would be upon the block in whose place it was told
          if (this.#standingLie(block.chainId) !== undefined) throw new Error("one lie is enough");
          await seals.put(block);
        },
      }),
      poster: over(poster, { appendBatch: (draft) => poster.appendBatch(this.#draft(draft)) }),
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
    await network.publish(topic, encodeBlock(told.claimed));
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

  /** What other transactions do in a block's place, upon the same state. */
  async #execution(block: SealedBlock, { transactions, l1BaseFee }: Executable): Promise<Claimed> {
    const { reader } = this.#before(block);
    return { transactions, outcomes: await executed({ ...block, transactions }, reader, l1BaseFee) };
  }

  /** The state before a block, as hosts prove it. */
  #before({ chainId, header }: SealedBlock) {
    const core = this.#core();
    const chain = core.chains.get(chainId)!;
    const { stateRoot } = chain.block(header.number - 1n)!.header;
    const { signal } = new AbortController();
    return { stateRoot, reader: core.hosts.readerAt(chain, { stateRoot, number: header.number }, signal) };
  }

  async #roots(block: SealedBlock, { transactions, outcomes }: Claimed) {
    const { stateRoot, reader } = this.#before(block);
    return blockRoots(transactions, outcomes, await rootsAfter(reader, stateRoot, outcomes));
  }

  /** The batch with the lie in it, where it reaches that far; it has to end with it. */
  #draft(draft: Parameters<Ports["poster"]["appendBatch"]>[0]): typeof draft {
    const { chainId, firstBlock, lastBlock, poster } = draft.claims;
    const told = this.#standingLie(chainId);
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
        providerIndex: (operator, slot) => core.view.providerIndex(operator, slot),
      });
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

  /** It withholds nothing: who asks for the blocks of its batch gets them. */
  #answer(bytes: Uint8Array): Uint8Array | null {
    const { chainId, from, count } = decodeRequest("blocks", bytes).body;
    const posted = this.#standingLie(chainId)?.posted;
    if (!posted || from < posted.firstBlock) return null;
    const at = Number(from - posted.firstBlock);
    if (at >= posted.blocks.length) return null;
    const blocks = posted.blocks.slice(at, at + count).map(encodeBlock);
    return encodeAnswer({ name: "blocks", body: { kind: "blocks", blocks } });
  }
}
