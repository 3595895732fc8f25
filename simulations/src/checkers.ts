/** The invariants as checks on what a run shows. Each gives a finding where its invariant is broken, else null. */
import {
  type Address,
  blockSigner,
  type ChainId,
  type Hash,
  hashHeader,
  type NetworkIdentity,
  type QueueItem,
  type SealedBlock,
} from "@mvm/protocol";

type Invariant =
  | "I1"
  | "I3"
  | "I4"
  | "I7"
  | "I9"
  | "no-transaction-lost"
  | "no-two-blocks-at-one-place"
  | "progress"
  | "no-honest-fine"
  | "asks-are-answered"
  | "bounded"
  | "finality-is-L1s"
  | "no-internal-error";
export type Finding = { readonly invariant: Invariant; readonly what: string };

/** I1: all followers that know the same L1 hold the same block at every height that they take for safe. */
export class SafeBlocksAgree {
  readonly #first = new Map<string, { readonly node: string; readonly hash: Hash }>();

  /** @param seen.turns how often L1 has taken blocks or batches back, as far as the node knows */
  check(seen: { node: string; chainId: ChainId; number: bigint; hash: Hash; turns: number }): Finding | null {
    const { node, chainId, number, hash, turns } = seen;
    const place = `block ${number} of chain ${chainId}`;
    const known = `${place} after ${turns}`;
    const first = this.#first.get(known);
    if (first === undefined) this.#first.set(known, { node, hash });
    if (first === undefined || first.hash === hash) return null;
    return { invariant: "I1", what: `${place} is safe as ${first.hash} at ${first.node}, as ${hash} at ${node}` };
  }
}

/** Nobody signs two blocks of one chain, generation, slot and height. */
export class OneBlockPerPlace {
  readonly #network: NetworkIdentity;
  readonly #first = new Map<string, Hash>();

  constructor(network: NetworkIdentity) {
    this.#network = network;
  }

  check(block: SealedBlock): Finding | null {
    const { chainId, generation, context, header } = block;
    const signer = blockSigner(this.#network, block);
    const place = `block ${header.number} of slot ${context.slot}, generation ${generation}, chain ${chainId}`;
    const hash = hashHeader(header);
    const first = this.#first.get(`${signer} ${place}`) ?? hash;
    this.#first.set(`${signer} ${place}`, first);
    if (first === hash) return null;
    return { invariant: "no-two-blocks-at-one-place", what: `${signer} signed ${place} as ${first} and as ${hash}` };
  }
}

/** I1: a host computes the roots that the header has; no-internal-error: nothing breaks inside an honest node. */
export function checkNote(note: { node: string; level: string; code: string; data: object }): Finding | null {
  const { node, level, code, data } = note;
  const told = (): string =>
    `${node}: ${code} ${Object.entries(data)
      .map(([key, value]) => `${key}=${value}`)
      .join(" ")}`;
  if (code === "block-not-applied") return { invariant: "I1", what: told() };
  return level === "error" ? { invariant: "no-internal-error", what: told() } : null;
}

/** I3: no honest node is blamed by another; no-internal-error: no handler fails. */
export function checkNetworkEvent(
  node: string,
  event: { readonly kind: string; readonly peer?: string; readonly reason?: string; readonly error?: unknown },
): Finding | null {
  const { kind, peer, reason, error } = event;
  if (kind === "offence" || kind === "banned" || kind === "graylisted")
    return { invariant: "I3", what: `${node} holds ${kind} against ${peer}: ${reason ?? ""}` };
  if (kind === "handler-failed" || kind === "validator-failed")
    return { invariant: "no-internal-error", what: `${node}: ${kind} ${error}` };
  return null;
}

export type Books = {
  readonly chainId: ChainId;
  readonly balances: ReadonlyMap<Address, bigint>;
  readonly totalSupply: bigint;
  readonly queue: readonly QueueItem[];
  /** end of the queue's part that the chain has consumed */
  readonly queueEnd: bigint;
};

/** I4, the half on the DAC's chain: balances = supply = deposits consumed. */
export function checkBooks({ chainId, balances, totalSupply, queue, queueEnd }: Books): Finding | null {
  const held = [...balances.values()].reduce((sum, balance) => sum + balance, 0n);
  const deposited = queue.slice(0, Number(queueEnd)).reduce((sum, { mint }) => sum + mint, 0n);
  if (held === totalSupply && totalSupply === deposited) return null;
  return { invariant: "I4", what: `chain ${chainId}: balances ${held}, supply ${totalSupply}, deposits ${deposited}` };
}

/** I9: what is rebuilt from L1 alone is what the hosts have. */
export function checkRebuilt(chain: {
  chainId: ChainId;
  number: bigint;
  /** hash, or why there is none */
  rebuilt: { hash: Hash } | { fault: string };
  hosts: readonly { node: string; hash: Hash | null }[];
}): Finding | null {
  const { chainId, number, rebuilt, hosts } = chain;
  if ("fault" in rebuilt) return { invariant: "I9", what: `chain ${chainId} cannot be rebuilt: ${rebuilt.fault}` };
  if (hosts.length === 0) return { invariant: "I9", what: `chain ${chainId} has no host` };
  const other = hosts.find(({ hash }) => hash !== rebuilt.hash);
  if (other === undefined) return null;
  return {
    invariant: "I9",
    what: `block ${number} of chain ${chainId}: ${rebuilt.hash}, at ${other.node} ${other.hash}`,
  };
}

/** Every acknowledged transaction is in a batch on L1, once. */
export function checkAcknowledged(
  chainId: ChainId,
  acknowledged: readonly Hash[],
  onL1: readonly Hash[],
): Finding | null {
  const counts = new Map<Hash, number>();
  for (const hash of onL1) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  const wrong = acknowledged.filter((hash) => counts.get(hash) !== 1);
  if (wrong.length === 0) return null;
  const first = `${wrong[0]}, ${counts.get(wrong[0]!) ?? 0} times there`;
  return {
    invariant: "no-transaction-lost",
    what: `chain ${chainId}: ${wrong.length} of ${acknowledged.length} acknowledged transactions are not once on L1; the first is ${first}`,
  };
}

/** A chain that has work goes on within a number of milliseconds. */
export class Progress {
  readonly #limitMs: number;
  readonly #idleSince = new Map<string, { readonly mark: bigint; readonly sinceMs: number; told: boolean }>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** @param mark changes with every step forward */
  check(seen: { line: string; nowMs: number; hasWork: boolean; mark: bigint }): Finding | null {
    const { line, nowMs, hasWork, mark } = seen;
    const idle = this.#idleSince.get(line);
    if (!hasWork || idle === undefined || idle.mark !== mark) {
      this.#idleSince.set(line, { mark, sinceMs: nowMs, told: false });
      return null;
    }
    if (idle.told || nowMs - idle.sinceMs <= this.#limitMs) return null;
    idle.told = true;
    return {
      invariant: "progress",
      what: `${line} stands at ${mark} for ${nowMs - idle.sinceMs} ms with work waiting`,
    };
  }
}
