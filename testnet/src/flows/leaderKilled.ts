/** A sequencer dies in its slot: the next rank takes over, and nothing that was acknowledged is lost. */
import { standingBatches } from "@mvm/l1";
import { epochOf, firstBlockOf } from "@mvm/protocol";
import { Interface, toBeHex, zeroPadValue } from "ethers";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import {
  acknowledge,
  ensureRecorded,
  l1Block,
  leaderOf,
  MT,
  nodesOf,
  PARAMETERS,
  untilIncluded,
  untilPosted,
  withProvider,
} from "./actions.ts";
import { type Flow, must } from "./flow.ts";
import { EXPENDABLE_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 20;
const SLOT_MS = 60_000;
const CLAIMED_MS = 120_000;
const GOES_ON_MS = 120_000;
const CLAIMED = new Interface([
  "event SlotClaimed(uint256 indexed chainId, uint64 indexed slot, uint8 rank, uint8 previousRank, address sequencer)",
]);

type Claim = { readonly l1Block: bigint; readonly rank: number; readonly sequencer: string };

/** The first claim of a slot of a DAC after an L1 block. */
async function claimAfter(testnet: Testnet, dac: TestnetDac, block: bigint): Promise<Claim | undefined> {
  const topics = [CLAIMED.getEvent("SlotClaimed")!.topicHash, zeroPadValue(toBeHex(dac.chainId), 32)];
  const filter = { address: testnet.contracts.rollupChain, topics, fromBlock: block + 1n, toBlock: "latest" };
  const [log] = await testnet.anvil.provider.getLogs(filter);
  if (log === undefined) return undefined;
  const { args } = CLAIMED.parseLog(log)!;
  return {
    l1Block: BigInt(log.blockNumber),
    rank: Number(args["rank"]),
    sequencer: String(args["sequencer"]).toLowerCase(),
  };
}

/** Waits for the begin of a slot; gives its leader. The slot's record is taken as soon as it can be. */
async function nextLeader(testnet: Testnet, dac: TestnetDac): Promise<string> {
  const { epochBlocks } = PARAMETERS;
  const slot = epochOf(await l1Block(testnet), epochBlocks) + 1n;
  await until("the slot before its first block", SLOT_MS, async () => {
    return (await l1Block(testnet)) >= firstBlockOf(slot, epochBlocks) - 2n;
  });
  await ensureRecorded(testnet, slot);
  await until(
    "the slot's first block",
    SLOT_MS,
    async () => (await l1Block(testnet)) >= firstBlockOf(slot, epochBlocks),
  );
  return leaderOf(testnet, dac, slot);
}

export const leaderKilledFlow: Flow = {
  name: "leader-killed",
  text: "kill -9 of the sequencer that leads a DAC with work: another rank claims the slot and posts, nothing is lost",
  size: EXPENDABLE_NETWORK,
  async run(testnet) {
    const dac = await testnet.createDac({ label: "bereaved", kind: "free", depositWei: DEPOSIT_WEI });
    return withProvider(testnet, dac, async (provider) => {
      let nonce = await provider.getTransactionCount(testnet.user.address);
      const next = (count: number) => Array.from({ length: count }, () => nonce++);
      await untilPosted(provider, await provider.getBlockNumber());
      const leader = await nextLeader(testnet, dac);
      const victim = nodesOf(testnet, "sequencer").find(({ operator }) => operator === leader);
      must(victim !== undefined, `the leader ${leader} is one of the network's sequencers`);
      const hashes = [...(await acknowledge(testnet, dac, provider, next(TRANSACTIONS)))];
      await victim.process.kill();
      const killed = await l1Block(testnet);
      hashes.push(...(await acknowledge(testnet, dac, provider, next(TRANSACTIONS))));
      let claim: Claim | undefined;
      let fedAt = killed;
      await until("another rank to claim a slot", CLAIMED_MS, async () => {
        claim = await claimAfter(testnet, dac, killed);
        const block = await l1Block(testnet);
        if (claim !== undefined || block === fedAt) return claim !== undefined;
        // its nonce is used up once a transaction was acknowledged: one that was refused would stop all after it
        hashes.push(...(await acknowledge(testnet, dac, provider, [nonce])));
        nonce += 1;
        fedAt = block;
        return false;
      });
      must(claim!.rank > 0 && claim!.sequencer !== leader, "a later rank claimed");
      await untilIncluded(provider, hashes, GOES_ON_MS);
      await untilPosted(provider, await provider.getBlockNumber());
      const scan = { chainId: dac.chainId, downTo: 0n, fromBlock: 0n };
      const batches = (await standingBatches(testnet.l1Reader, scan)).filter((batch) => batch.l1Block > killed);
      const first = batches.at(-1);
      must(first !== undefined, "there is a batch after the kill");
      must(
        batches.every(({ header, l1Block }) => header.poster !== leader || l1Block <= killed + 1n),
        "none but the living post",
      );
      await testnet.restart(victim);
      await untilIncluded(provider, await acknowledge(testnet, dac, provider, next(5)), GOES_ON_MS);
      return {
        acknowledged: hashes.length,
        lost: 0,
        claimedByRank: claim!.rank,
        l1BlocksUntilClaim: Number(claim!.l1Block - killed),
        blocksUntilNextBatch: Number(first.l1Block - killed),
      };
    });
  },
};
