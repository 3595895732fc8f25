import { type Address, PROFILES, toAddress, toChainId, toHash, toWordHex, ZERO_HASH } from "@mvm/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { Answerer, type AnswererEvent, type AnswererView, type AskEffect, type OpenAsk } from "../src/index.ts";

const address = (n: number): Address => toAddress(`0x${n.toString(16).padStart(40, "0")}`);
const POSTER = address(1);
const HOSTS = [address(2), address(3), address(4)];
const SEQUENCER = address(5);
const STRANGER = address(6);
const CHAIN = toChainId(1_000);
const MOMENT = { nowMs: 0, entropy: ZERO_HASH };
const DELAY = PROFILES.devnet.revealDelaySeconds;
const PART = BigInt(DELAY) / 8n;
const START = 1_000n;
const MOST = 4;

let l1: { number: bigint; timestamp: bigint; standing: OpenAsk[]; fallen: OpenAsk[]; leader: Address | null };

const view: AnswererView = {
  get block() {
    return { number: l1.number, timestamp: l1.timestamp };
  },
  openAsks: () => ({ standing: l1.standing, fallen: l1.fallen }),
  hosts: () => HOSTS.map((operator) => ({ operator }) as never),
  member: (_, operator) => (operator === SEQUENCER ? ({ operator } as never) : undefined),
  turn: () => (l1.leader === null ? undefined : { member: { operator: l1.leader } as never, rank: 0 }),
};

const of = (operator: Address, follows = true): Answerer =>
  new Answerer({ view, operator, parameters: PROFILES.devnet, follows: () => follows });

/** The ask of a batch that is served since START, or later. */
function askOf(batch: number, served: Partial<OpenAsk> = {}): OpenAsk {
  const batchHash = toHash(toWordHex(BigInt(batch)));
  const header = { chainId: CHAIN, poster: POSTER, index: BigInt(batch) };
  const item = { kind: "words", position: 0 } as const;
  const until = START + BigInt(DELAY);
  return { batchHash, number: 0n, item, until, lastAnswerer: undefined, batch: { header } as never, ...served };
}

const tell = (answerer: Answerer, event: AnswererEvent) => answerer.handle(event, MOMENT);
const begun = (answerer: Answerer): readonly AskEffect[] =>
  tell(answerer, { kind: "l1Changed" }).filter((effect) => effect.kind !== "note");
const end = (answerer: Answerer, effect: AskEffect, reason: string | null) =>
  tell(answerer, { kind: "ended", effect, reason });
const batches = (effects: readonly AskEffect[]) => effects.map(({ ask }) => Number(ask.batch.header.index));

beforeEach(() => {
  l1 = { number: 100n, timestamp: START, standing: [], fallen: [], leader: null };
});

describe("an answerer", () => {
  it("shows at once what is asked for of its own batch, once", () => {
    l1.standing = [askOf(0)];
    const poster = of(POSTER);
    const [effect] = begun(poster);
    expect(effect).toMatchObject({ kind: "disclose", ask: { number: 0n } });
    expect(begun(poster)).toEqual([]);
    end(poster, effect!, null);
    l1.number += 1n;
    expect(begun(poster)).toEqual([]);
  });

  it("shows the parts of its own batch's transactions, and leaves those of others to their poster, however late", () => {
    const items = [
      { kind: "parts", position: 0, index: 1 },
      { kind: "stretch", position: 0, index: 1, stretch: 2 },
    ] as const;
    for (const item of items) {
      l1.standing = [askOf(0, { item, lastAnswerer: HOSTS[0]! })];
      expect(begun(of(POSTER))).toHaveLength(1);
      l1.timestamp = START + BigInt(DELAY);
      for (const other of [...HOSTS, SEQUENCER, STRANGER]) expect(begun(of(other))).toEqual([]);
      l1.timestamp = START;
    }
  });

  it("shows a transaction of another's batch as it shows its leaves", () => {
    l1.standing = [askOf(0, { item: { kind: "bytes", position: 0, index: 1 } })];
    l1.timestamp = START + 3n * PART;
    expect(begun(of(HOSTS[0]!))).toHaveLength(1);
  });

  it("shows it again where L1 shows the ask as open long after it took the answer", () => {
    l1.standing = [askOf(0)];
    const poster = of(POSTER);
    end(poster, begun(poster)[0]!, null);
    l1.number += 8n;
    expect(begun(poster)).toHaveLength(1);
  });

  it("shows the next ask of the batch as soon as that is served", () => {
    l1.standing = [askOf(0)];
    const poster = of(POSTER);
    end(poster, begun(poster)[0]!, null);
    l1.standing = [askOf(0, { number: 1n, item: { kind: "checkpoints", position: 0 } })];
    expect(begun(poster)).toHaveLength(1);
  });

  it("tries again what L1 refused, ever less often, and says so", () => {
    l1.standing = [askOf(0)];
    const poster = of(POSTER);
    const waits: bigint[] = [];
    let effect = begun(poster)[0]!;
    for (let attempt = 0; attempt < 6; attempt++) {
      expect(end(poster, effect, "hosts-silent")).toMatchObject([
        { kind: "note", level: "warn", code: "ask-not-answered" },
      ]);
      const failedAt = l1.number;
      let next: AskEffect | undefined;
      while (next === undefined) {
        l1.number += 1n;
        next = begun(poster)[0];
      }
      waits.push(l1.number - failedAt);
      effect = next;
    }
    expect(waits).toEqual([1n, 2n, 4n, 8n, 8n, 8n]);
  });

  it("has a bounded number of a thousand asks under way, the most urgent first, and comes to all of them", () => {
    const asks = Array.from({ length: 1_000 }, (_, i) => askOf(i, { until: START + 2_000n - BigInt(i) }));
    l1.standing = [...asks];
    l1.timestamp = START + 2_000n;
    const poster = of(POSTER);
    const order: number[] = [];
    for (let round = 0; l1.standing.length > 0 && round < 1_000; round++) {
      const effects = begun(poster);
      expect(effects.length).toBeLessThanOrEqual(MOST);
      expect(begun(poster)).toEqual([]);
      order.push(...batches(effects));
      for (const effect of effects) {
        end(poster, effect, null);
        l1.standing = l1.standing.filter((ask) => ask !== effect.ask);
      }
    }
    expect(order).toEqual(asks.map(({ batch }) => Number(batch.header.index)).reverse());
  });

  it("lets what fails again and again, however urgent, keep nothing else waiting", () => {
    l1.standing = Array.from({ length: 2 * MOST }, (_, i) => askOf(i, { until: START + 1_000n + BigInt(i) }));
    l1.timestamp = START + 1_000n;
    const poster = of(POSTER);
    const first = begun(poster);
    expect(batches(first)).toEqual([0, 1, 2, 3]);
    for (const effect of first) end(poster, effect, "hosts-silent");
    l1.number += 10n;
    expect(batches(begun(poster))).toEqual([4, 5, 6, 7]);
  });

  it("leaves it to the poster, then to each host, then to the sequencers: each has an eighth of the time", () => {
    l1.standing = [askOf(0)];
    const first = new Map<Address, bigint>();
    const answerers = [POSTER, ...HOSTS, SEQUENCER, STRANGER].map((operator) => [operator, of(operator)] as const);
    for (; l1.timestamp < START + BigInt(DELAY); l1.timestamp += 1n)
      for (const [operator, answerer] of answerers)
        if (begun(answerer).length > 0) first.set(operator, (l1.timestamp - START) / PART);
    expect([...first]).toEqual([
      [POSTER, 0n],
      [HOSTS[0], 2n],
      [HOSTS[1], 3n],
      [HOSTS[2], 5n],
      [SEQUENCER, 6n],
    ]);
  });

  it("who answered a batch's last ask goes on at once; the poster, if it comes back, is next", () => {
    l1.standing = [askOf(0, { lastAnswerer: HOSTS[1]! })];
    expect(begun(of(HOSTS[1]!))).toHaveLength(1);
    expect(begun(of(POSTER))).toHaveLength(0);
    l1.timestamp += PART + 1n;
    expect(begun(of(POSTER))).toHaveLength(1);
    expect(begun(of(HOSTS[0]!))).toHaveLength(0);
  });

  it("answers late rather than not: an answer counts until the batch is dropped", () => {
    l1.standing = [askOf(0)];
    l1.timestamp = START + 10n * BigInt(DELAY);
    expect(begun(of(POSTER))).toHaveLength(1);
  });

  it("answers nothing of a chain that it does not follow", () => {
    l1.standing = [askOf(0)];
    expect(begun(of(POSTER, false))).toEqual([]);
  });

  it("lets a chain's clock go whose batch fell with asks open, where it leads the slot", () => {
    l1.fallen = [askOf(0)];
    const sequencer = of(SEQUENCER);
    expect(begun(sequencer)).toEqual([]);
    l1.leader = SEQUENCER;
    expect(begun(sequencer)).toMatchObject([{ kind: "payBack", ask: { number: 0n } }]);
    expect(begun(of(POSTER))).toEqual([]);
  });
});
