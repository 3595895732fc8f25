import { blocksTopic, type ChainId, decodeBlock, postedTransactions, REQUESTS, toHex } from "@mvm/protocol";
import { expect, it } from "vitest";
import { SMOKE } from "../src/scenarios/smoke.ts";
import { runTraffic } from "../src/scenarios/traffic.ts";

/** Ranks of a slot that gateways tell of transactions: who leads it, and who would take it over. */
const INFORMED = 3;

it("before a transaction's block is out, nobody hears of it but the sequencers whose turn it may be", async () => {
  /** the end of each transaction that is in no block yet, which no other has */
  const unpublished = new Map<string, ChainId>();
  const endOf = (raw: Uint8Array): string => toHex(raw.subarray(-32)).slice(2);
  const told: number[] = [];
  /** the highest rank that has led a slot: those after it are told */
  let active = 0;
  const others: string[] = [];
  const settings = { ...SMOKE, sequencers: 5, dacs: 2, users: 4, busyMs: 20_000, founded: "before" as const };
  const { violations, figures } = await runTraffic({ scenario: "unpublished", seed: 5 }, settings, (run) => {
    const topics = new Set(run.chainIds.map((chainId) => blocksTopic(run.world.settings.network, chainId)));
    const { core } = run.world.nodes.find(({ roles }) => roles.includes("gateway"))!;
    for (const [chainId, pool] of core.pools) {
      const submit = pool.submit.bind(pool);
      pool.submit = (transaction) => {
        unpublished.set(endOf(transaction.raw), chainId);
        return submit(transaction);
      };
    }
    run.onMessage = (node, { kind, lane, bytes }) => {
      if (kind === "gossip") {
        if (!topics.has(lane)) return;
        for (const raw of postedTransactions(decodeBlock(bytes))) unpublished.delete(endOf(raw));
        return;
      }
      const text = toHex(bytes);
      const isOffer = kind === "request" && lane === REQUESTS.offerTransactions.protocol;
      for (const [end, chainId] of unpublished) {
        if (!text.includes(end)) continue;
        const { slot } = core.view;
        active = Math.max(active, core.view.activeRank(chainId));
        const ranks = [slot - 1n, slot, slot + 1n].map((near) =>
          core.view.rankOf(chainId, near, node.identity.operator),
        );
        if (isOffer) told.push(Math.min(...ranks.map((rank) => rank ?? Number.POSITIVE_INFINITY)));
        else others.push(`${node.name} by a ${kind} of ${lane}`);
      }
    };
    return () => ({});
  });
  expect(violations).toEqual([]);
  expect(figures["transactions"]).toBeGreaterThan(20);
  expect(others).toEqual([]);
  expect(told.length).toBeGreaterThan(20);
  for (const rank of told) expect(rank).toBeLessThan(active + INFORMED);
  expect(active + INFORMED).toBeLessThan(settings.sequencers);
});
