/** A sequencer whose stake does not cover a DAC has no part in it, though it leads others. */
import { sequencerOf, standingBatches } from "@mvm/l1";
import { keccakHash, ZERO_ADDRESS } from "@mvm/protocol";
import type { Testnet, TestnetDac, TestnetNode } from "../testnet.ts";
import { until } from "../until.ts";
import {
  acknowledge,
  keyOf,
  l1Block,
  MT,
  nextBatch,
  nodesOf,
  PARAMETERS,
  recordedSlot,
  refusalOf,
  withProvider,
} from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { STAKED_NETWORK, STAKES } from "./networks.ts";

const OPEN_WEI = 10n * MT;
const GUARDED_WEI = BigInt(STAKES.between) * MT;
/** Slots of the guarded DAC that are looked at. */
const WATCHED_SLOTS = 4n;
const LEADS_MS = 240_000;
const REFUSED_MS = 60_000;

/** Has a sequencer sign a batch of a DAC in the present slot; the name of L1's refusal. */
async function refusedBatch(testnet: Testnet, dac: TestnetDac, poster: TestnetNode): Promise<string> {
  const data = new TextEncoder().encode("whatever it says");
  const call = await nextBatch(testnet, dac, {
    key: await keyOf(testnet, poster),
    data,
    blocksRoot: keccakHash(data),
    slot: await recordedSlot(testnet),
    poster: poster.operator,
  });
  const refusal = await refusalOf(testnet.onL1(call));
  return refusal.name ?? refusal.raw;
}

/** Posters of a DAC's batches whose slot is not before one. */
async function postersFrom(testnet: Testnet, dac: TestnetDac, slot: bigint): Promise<readonly string[]> {
  const all = await standingBatches(testnet.l1Reader, { chainId: dac.chainId, downTo: 0n, fromBlock: 0n });
  return all.filter(({ header }) => header.slot >= slot).map(({ header }) => header.poster);
}

export const belowThresholdFlow: Flow = {
  name: "below-threshold",
  text: "a sequencer with less stake than a DAC's threshold is never elected for it nor may post, but leads another DAC",
  size: STAKED_NETWORK,
  async run(testnet) {
    const small = nodesOf(testnet, "sequencer")[0]!;
    const [open, guarded] = await Promise.all([
      testnet.createDac({ label: "open", kind: "free", depositWei: OPEN_WEI }),
      testnet.createDac({ label: "guarded", kind: "free", depositWei: GUARDED_WEI }),
    ]);
    const reader = testnet.l1Reader;
    // the deposit is there, so the threshold counts from this slot on
    const first = await recordedSlot(testnet);
    const watched = new Set<bigint>();
    const [nonces, leads] = [new Map<string, number>(), { batches: 0, atBlock: 0n }];
    await Promise.all(
      [open, guarded].map((dac) =>
        withProvider(testnet, dac, async (provider) =>
          nonces.set(dac.label, await provider.getTransactionCount(testnet.user.address)),
        ),
      ),
    );
    await withProvider(testnet, open, (openProvider) =>
      withProvider(testnet, guarded, (guardedProvider) =>
        until("the small sequencer to lead the open DAC, and slots of the other to pass", LEADS_MS, async () => {
          const slot = await recordedSlot(testnet);
          for (let rank = 0; rank < 2; rank++) {
            const elected = await sequencerOf(reader, { chainId: guarded.chainId, slot, rank });
            must(elected !== small.operator, `in slot ${slot} rank ${rank} of the guarded DAC is another's`);
            if (rank === 0 && elected !== ZERO_ADDRESS) watched.add(slot);
          }
          if ((await l1Block(testnet)) === leads.atBlock) return false;
          leads.atBlock = await l1Block(testnet);
          for (const [dac, provider] of [
            [open, openProvider],
            [guarded, guardedProvider],
          ] as const) {
            const nonce = nonces.get(dac.label)!;
            await acknowledge(testnet, dac, provider, [nonce]);
            nonces.set(dac.label, nonce + 1);
          }
          const posters = await postersFrom(testnet, open, first);
          leads.batches = posters.filter((poster) => poster === small.operator).length;
          return leads.batches > 0 && watched.size >= WATCHED_SLOTS;
        }),
      ),
    );
    const foreign = (await postersFrom(testnet, guarded, first)).filter((poster) => poster === small.operator);
    mustEqual(foreign.length, 0, "batches of the small sequencer on the guarded DAC");
    const seen: string[] = [];
    await until("L1 to refuse a batch of the small sequencer", REFUSED_MS, async () => {
      const name = await refusedBatch(testnet, guarded, small);
      seen.push(name);
      // the slot or the chain went on in between
      return !["SlotNotOpen", "WrongIndex", "NothingToAppend", "WrongSignature", "EpochNotRecorded"].includes(name);
    });
    mustEqual(seen.at(-1)!, "NotElected", "L1's refusal");
    return {
      stakeMT: STAKES.small,
      thresholdMT: STAKES.between,
      slotsWatched: watched.size,
      epochBlocks: PARAMETERS.epochBlocks,
      batchesOnOpenDac: leads.batches,
      refusal: seen.at(-1)!,
    };
  },
};
