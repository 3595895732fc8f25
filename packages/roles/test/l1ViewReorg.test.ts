import {
  depositItem,
  type JobId,
  keccakHash,
  keyRoundAt,
  stakeGridOf,
  taggedHash,
  toChainId,
  toWord,
} from "@mvm/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { L1Event, L1View, OpenAsk, RegistryName } from "../src/index.ts";
import { MAX_REORG_BLOCKS } from "../src/l1Journal.ts";
import {
  blankView,
  CHAIN,
  FOUNDING,
  GENESIS_SECONDS,
  HOSTS,
  operator,
  PARAMETERS,
  PROVIDERS,
  SEQUENCERS,
  startView,
} from "./world.ts";

const OTHER = toChainId(1_001);
const NEWCOMERS = [2, 3, 4, 5].map((index) => operator(`newcomer-${index}`, index));
const GROUPS = { sequencer: [...SEQUENCERS, ...NEWCOMERS], provider: PROVIDERS, storage: HOSTS };
const EVERYBODY = Object.values(GROUPS).flat();

/** What happens in an L1 block: which kind of event, and a number that decides about the rest. */
const happening = fc.tuple(fc.nat(18), fc.nat(999));
const l1Blocks = (maxLength: number) =>
  fc.array(fc.record({ salt: fc.nat(999), events: fc.array(happening, { maxLength: 3 }) }), {
    minLength: 1,
    maxLength,
  });
type L1Blocks = readonly { readonly salt: number; readonly events: readonly (readonly [number, number])[] }[];

/** The event that a happening is, where a view stands; what L1 would not let happen becomes none. */
function eventOf(view: L1View, l1Block: bigint, kind: number, n: number): L1Event | null {
  const chainId = n % 2 === 0 ? CHAIN : OTHER;
  const timestamp = BigInt(GENESIS_SECONDS) + l1Block;
  const stakeWei = BigInt(n) * 10n ** 19n;
  const registry = (["sequencer", "provider", "storage"] as const)[n % 3] as RegistryName;
  const member = GROUPS[registry][n % GROUPS[registry].length]!;
  const isMember = view.member(registry, member.operator) !== undefined;
  switch (kind) {
    case 0:
      return isMember ? null : { kind: "registered", registry, member };
    case 1:
      return isMember ? { kind: "exited", registry, operator: member.operator } : null;
    case 2: {
      const moved = { peerId: member.peerId, multiaddr: `/moved/${n}` };
      return isMember ? { kind: "addressUpdated", registry, operator: member.operator, ...moved } : null;
    }
    case 3:
      return { kind: "stakeChanged", index: n % 2, grid: stakeGridOf(stakeWei), stakeWei, l1Block };
    case 4:
      return { kind: "thresholdChanged", chainId, thresholdMT: n, l1Block };
    case 5: {
      const queueIndex = BigInt(view.queueItems(chainId, 0n, 99n).length);
      const item = depositItem({ queueIndex, from: member.operator, to: member.operator, mint: BigInt(n) });
      return { kind: "queueItemAdded", chainId, item, l1Block, timestamp, mintedBefore: 0n };
    }
    case 6:
      return { kind: "slotClaimed", chainId, slot: view.slot, rank: 1 + (n % 7), l1Block };
    case 9:
      return { kind: "lockChanged", sequencer: SEQUENCERS[n % 2]!.operator, chainId, amountWei: stakeWei / 4n };
    case 17: {
      const { index } = PROVIDERS[n % PROVIDERS.length]!;
      return { kind: "seatTaken", index, place: index, weightMT: n, l1Block };
    }
    case 18: {
      const since = view.keyRecord(chainId).sets.at(-1)?.since;
      if (since === undefined || since >= l1Block) return null;
      const round = keyRoundAt(since, l1Block, PARAMETERS.epochBlocks);
      const { operator: host } = HOSTS[n % HOSTS.length]!;
      const said = { host, isComplaint: round.isForComplaints, data: toWord(BigInt(n)), l1Block };
      return { kind: "ceremonyMessage", chainId, round: round.number, ...said };
    }
    case 7:
      return n % 5 === 0 && !view.isExiting(chainId) ? { kind: "turnedToExit", chainId } : null;
    case 8: {
      const held = view.heldDeposits(chainId);
      const id = BigInt(n % 4);
      return held.has(id) ? { kind: "heldGone", chainId, id } : { kind: "depositHeld", chainId, id, amount: BigInt(n) };
    }
    case 10: {
      const batches = view.batches(CHAIN);
      const convicted = batches[n % Math.max(batches.length, 1)]?.header;
      if (convicted === undefined) return null;
      const lastBlock = convicted.firstBlock - 1n;
      const generation = view.generation(CHAIN);
      return { kind: "rolledBack", chainId: CHAIN, generation, fromIndex: convicted.index, lastBlock, timestamp };
    }
    case 13:
      return { kind: "withheld", chainId: CHAIN, poster: SEQUENCERS[0]!.operator };
    case 14: {
      const isHeld = n % 3 === 0;
      return { kind: isHeld ? "clockHeld" : "clockReleased", chainId: CHAIN, timestamp };
    }
    case 15:
    case 16:
      return askOf(view, n);
    default:
      if (n % 2 === 1) {
        const dac = { chainId: OTHER, label: "other", genesisHash: keccakHash(toWord(BigInt(n))), timestamp };
        return view.dac(OTHER) === undefined ? { kind: "dacCreated", ...dac, founding: FOUNDING } : null;
      }
      return batch(view, l1Block, timestamp, n);
  }
}

/** Something of asks on a batch that is there. */
function askOf(view: L1View, n: number): L1Event | null {
  const batches = view.batches(CHAIN);
  const batchHash = batches[n % Math.max(batches.length, 1)]?.batchHash;
  if (batchHash === undefined) return null;
  const number = BigInt(n % 3);
  const kinds: readonly L1Event[] = [
    { kind: "asked", batchHash, number, item: BigInt(n) },
    { kind: "askServed", batchHash, number, until: BigInt(n) },
    { kind: "askAnswered", batchHash, number, answerer: SEQUENCERS[n % 2]!.operator },
    { kind: "asksClosed", batchHash },
  ];
  return kinds[Math.floor(n / 3) % kinds.length]!;
}

function batch(view: L1View, l1Block: bigint, timestamp: bigint, n: number): L1Event {
  const firstBlock = view.postedHead(CHAIN) + 1n;
  const posted = {
    chainId: CHAIN,
    generation: view.generation(CHAIN),
    index: BigInt(view.batches(CHAIN).length),
    firstBlock,
    lastBlock: firstBlock + BigInt(n),
    queueEnd: view.postedQueueEnd(CHAIN) + BigInt(n % 2),
    slot: view.slot,
    poster: SEQUENCERS[0]!.operator,
  };
  const hash = keccakHash(toWord(BigInt(n)));
  const roots = { previousBatchHash: hash, blobHash: hash, dataHash: hash, blocksRoot: hash, transactionsRoot: hash };
  const header = { ...posted, ...roots };
  return { kind: "batchAppended", header, batchHash: hash, transactionHash: hash, timestamp, l1Block };
}

function applyAll(view: L1View, blocks: L1Blocks): void {
  for (const { salt, events } of blocks) {
    const number = view.block.number + 1n;
    for (const [kind, n] of events) {
      const event = eventOf(view, number, kind, n);
      if (event !== null) view.apply(event);
    }
    const prevRandao = keccakHash(toWord(BigInt(salt) + (number << 64n)));
    const timestamp = BigInt(GENESIS_SECONDS) + number;
    view.apply({ kind: "l1Block", number, timestamp, baseFeePerGas: BigInt(salt), prevRandao });
  }
}

const JOBS = [1n, 2n, 3n].map((number) => taggedHash("test/job", toWord(number)) as string as JobId);
const byHash = (a: OpenAsk, b: OpenAsk): number => (a.batchHash < b.batchHash ? -1 : 1);

/** The view's answers to every question. */
function answers(view: L1View): unknown {
  const slots = Array.from({ length: Number(view.slot) + 2 }, (_, slot) => BigInt(slot));
  const registries = ["sequencer", "provider", "storage"] as const;
  const ofChain = (chainId: typeof CHAIN) => ({
    dac: view.dac(chainId),
    hosts: view.hosts(chainId),
    keyRecord: view.keyRecord(chainId),
    isExiting: view.isExiting(chainId),
    canCover: EVERYBODY.map((one) => view.canCover(chainId, one.operator)),
    isOpen: view.isOpen(chainId),
    activeRank: view.activeRank(chainId),
    turn: view.turn(chainId),
    informed: view.informed(chainId),
    claimableFrom: [1, 7].map((rank) => view.claimableFrom(chainId, rank)),
    ranks: slots.map((slot) => EVERYBODY.map((one) => view.rankOf(chainId, slot, one.operator))),
    maySign: slots.map((slot) => EVERYBODY.map((one) => view.maySign(chainId, slot, one.operator))),
    items: slots.map((slot) => [0n, 1n].map((from) => view.queueItems(chainId, from, slot))),
    queued: view.queuedItem(chainId, 0n),
    consumable: slots.map((slot) => view.consumable(chainId, slot)),
    held: [...view.heldDeposits(chainId)].sort(([a], [b]) => Number(a - b)),
    batches: [...view.batches(chainId)],
    generations: [view.generation(chainId), ...slots.map((number) => view.generationAt(chainId, number))],
    posted: [view.postedHead(chainId), view.postedQueueEnd(chainId), view.finalHead(chainId)],
  });
  return {
    place: [view.block, view.slot, view.slotEnds],
    dacs: view.dacs(),
    members: registries.map((registry) => view.members(registry)),
    member: registries.map((registry) => EVERYBODY.map((one) => view.member(registry, one.operator))),
    peers: registries.map((registry) => EVERYBODY.map((one) => view.isPeerOf(registry, one.peerId))),
    providers: PROVIDERS.map(({ index }) => view.provider(index)),
    seats: slots.map((slot) => JOBS.map((jobId) => view.seatsOf(slot, jobId))),
    values: slots.map((slot) => view.valuesOf(slot)),
    chains: [CHAIN, OTHER].map(ofChain),
    asks: Object.values(view.openAsks()).map((asks) => [...asks].sort(byHash)),
  };
}

describe("a view that L1 took blocks back from", () => {
  it("answers every question as if they had never been", () => {
    const whole = fc.property(l1Blocks(24), l1Blocks(20), l1Blocks(12), (shared, taken, stays) => {
      const [turned, straight] = [blankView(), blankView()];
      for (const view of [turned, straight]) applyAll(view, shared);
      const before = answers(turned);
      applyAll(turned, taken);
      turned.apply({ kind: "reorg", toBlock: BigInt(shared.length) });
      expect(answers(turned)).toEqual(before);
      for (const view of [turned, straight]) applyAll(view, stays);
      expect(answers(turned)).toEqual(answers(straight));
    });
    fc.assert(whole, { numRuns: 150 });
  });

  it("takes back what came of a block whose end never came", () => {
    const view = startView();
    const before = answers(view);
    view.apply({ kind: "turnedToExit", chainId: CHAIN });
    view.apply({ kind: "exited", registry: "sequencer", operator: SEQUENCERS[0]!.operator });
    view.apply({ kind: "reorg", toBlock: view.block.number });
    expect(answers(view)).toEqual(before);
  });

  it("goes back as far as it remembers, and no further", () => {
    const view = blankView();
    const empty = { salt: 1, events: [] };
    applyAll(
      view,
      Array.from({ length: MAX_REORG_BLOCKS + 10 }, () => empty),
    );
    view.apply({ kind: "reorg", toBlock: 10n });
    expect(view.block.number).toBe(10n);
    applyAll(
      view,
      Array.from({ length: MAX_REORG_BLOCKS + 10 }, () => empty),
    );
    expect(() => view.apply({ kind: "reorg", toBlock: 19n })).toThrow(RangeError);
  });
});
