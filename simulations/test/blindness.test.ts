import {
  decodeTransaction,
  type Hex,
  hashHeader,
  postedTransactions,
  presenceTopic,
  REQUESTS,
  type SealedBlock,
  toHex,
  toWord,
} from "@mvm/protocol";
import { expect, it } from "vitest";
import { openedContent } from "../src/openedJob.ts";
import { SMOKE } from "../src/scenarios/smoke.ts";
import { runTraffic } from "../src/scenarios/traffic.ts";

/** Where a provider has opened what was sealed for it. */
const OPENED = "content";

type Heard = { readonly provider: string; readonly lane: string; readonly text: string };

/** What tells a DAC apart from others, in the forms that it may be sent in. */
function marksOf(chainId: bigint, label: string, blocks: readonly SealedBlock[]): ReadonlyMap<string, string> {
  const marks = new Map<string, string>();
  const add = (what: string, hex: Hex): void => void marks.set(hex.slice(2), what);
  const text = (value: string): Hex => toHex(new TextEncoder().encode(value));
  add("chain ID", toHex(toWord(chainId).subarray(25)));
  add("chain ID in words", text(String(chainId)));
  add("label", text(label));
  for (const block of blocks) {
    const { number, parentHash, stateRoot, transactionsRoot, receiptsRoot, checkpointsRoot, withdrawalsRoot } =
      block.header;
    const roots = { parentHash, stateRoot, transactionsRoot, receiptsRoot, checkpointsRoot, withdrawalsRoot };
    for (const [name, root] of Object.entries(roots)) add(`${name} of block ${number}`, root);
    add(`hash of block ${number}`, hashHeader(block.header));
    add(`randomness of block ${number}`, block.context.randomness);
    add(`evidence of block ${number}`, block.context.evidence);
    add(`proof of block ${number}`, block.evidence!.proof);
    for (const raw of postedTransactions(block)) {
      add("a signed transaction", toHex(raw));
      add("a transaction's hash", decodeTransaction(raw, block.chainId).hash);
      // r, s at the end of the encoding, 32 bytes each with the byte before that says so
      add("a signature", toHex(raw.subarray(-32)));
    }
  }
  return marks;
}

it.each([1, 2] as const)(
  "what providers are sent, and what they open of it, tells them nothing of the DAC beside the work itself, through %i couriers",
  async (hops) => {
    const heard: Heard[] = [];
    /** what hosts are sent, which follow the DACs: the marks are found where they are */
    const others: string[] = [];
    const blocks = new Map<bigint, SealedBlock[]>();
    const named = new Set<string>();
    const settings = { ...SMOKE, dacs: 2, users: 4, busyMs: 20_000, hops };
    const { violations, figures } = await runTraffic({ scenario: "blindness", seed: 7 }, settings, (run) => {
      // who sequences at all is told to everybody, at moments that no block has part in
      const presence = presenceTopic(run.world.settings.network);
      run.onMessage = (node, { lane, bytes, kind }) => {
        if (lane === presence) return;
        if (node.roles.includes("storage")) others.push(toHex(bytes));
        if (!node.roles.includes("provider")) return;
        heard.push({ provider: node.name, lane: `${kind} ${lane}`, text: toHex(bytes) });
      };
      run.onComputed = (node, made) => {
        const opened = openedContent(made);
        if (opened !== null && node.roles.includes("provider"))
          heard.push({ provider: node.name, lane: OPENED, text: toHex(opened) });
      };
      const onHead = run.onHead.bind(run);
      run.onHead = (node, seen) => {
        if (seen.block !== null && node.roles.includes("storage")) {
          const known = blocks.get(seen.chainId) ?? [];
          if (!known.some(({ signature }) => signature === seen.block!.signature))
            blocks.set(seen.chainId, [...known, seen.block]);
        }
        onHead(node, seen);
      };
      for (const node of run.world.nodes)
        if (!node.roles.includes("provider"))
          named.add(toHex(new TextEncoder().encode(node.peerId)).slice(2)).add(node.identity.operator.slice(2));
      return () => ({});
    });
    expect(violations).toEqual([]);
    expect(figures["transactions"]).toBeGreaterThan(20);
    expect(heard.filter(({ lane }) => lane === OPENED).length).toBeGreaterThan(20);
    const lanes = [REQUESTS.carry, REQUESTS.deliver, REQUESTS.fetch, REQUESTS.supply, REQUESTS.card].flatMap(
      ({ protocol }) => [`request ${protocol}`, `response ${protocol}`],
    );
    for (const { lane } of heard) expect([OPENED, ...lanes]).toContain(lane);
    const all = [...blocks].flatMap(([chainId, chain], i) => [...marksOf(chainId, `dac-${i}`, chain)]);
    expect(all.length).toBeGreaterThan(200);
    const told = heard.flatMap(({ provider, lane, text }) => [
      ...all.filter(([mark]) => text.includes(mark)).map(([, what]) => `${provider}: ${what} in a ${lane}`),
      ...[...named].filter((name) => text.includes(name)).map((name) => `${provider}: node ${name} in a ${lane}`),
    ]);
    expect(told).toEqual([]);
    const found = new Set(all.filter(([mark]) => others.some((text) => text.includes(mark))).map(([, what]) => what));
    for (const what of ["chain ID", "stateRoot of block 2", "randomness of block 2", "a signature"])
      expect(found).toContain(what);
  },
);
