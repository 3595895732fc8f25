/** Batches of several DACs go to L1 in one blob; hosts keep it, and a DAC is rebuilt from it when L1 shows it no more. */
import { type StandingBatch, standingBatches } from "@mvm/l1";
import { blobRange, type Hash, ZERO_HASH } from "@mvm/protocol";
import { rebuild } from "../rebuildProcess.ts";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import { acknowledge, untilIncluded, untilPosted, withProvider } from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { forgetfulL1 } from "./forgetfulL1.ts";
import { BLOB_NETWORK } from "./networks.ts";

const TRANSACTIONS = 10;
const INCLUDED_MS = 60_000;
const SHARED_MS = 120_000;
const ARCHIVED_MS = 60_000;

const batchesOf = (testnet: Testnet, dac: TestnetDac): Promise<readonly StandingBatch[]> =>
  standingBatches(testnet.l1Reader, { chainId: dac.chainId, downTo: 0n, fromBlock: 0n });

/** Sends transfers on a DAC and waits until they are on L1. */
async function trade(testnet: Testnet, dac: TestnetDac): Promise<number> {
  return withProvider(testnet, dac, async (provider) => {
    const first = await provider.getTransactionCount(testnet.user.address);
    const nonces = Array.from({ length: TRANSACTIONS }, (_, i) => first + i);
    await untilIncluded(provider, await acknowledge(testnet, dac, provider, nonces), INCLUDED_MS);
    const head = await provider.getBlockNumber();
    await untilPosted(provider, head);
    return head;
  });
}

/** Blobs with batches of both DACs, once there is one. */
async function sharedBlobs(testnet: Testnet, dacs: readonly [TestnetDac, TestnetDac]): Promise<readonly Hash[]> {
  let shared: readonly Hash[] = [];
  await until("a blob that both DACs' batches are in", SHARED_MS, async () => {
    await Promise.all(dacs.map((dac) => trade(testnet, dac)));
    const [one, other] = await Promise.all(dacs.map((dac) => batchesOf(testnet, dac)));
    const ofOther = new Set(other!.map(({ header }) => header.blobHash));
    shared = one!.map(({ header }) => header.blobHash).filter((hash) => hash !== ZERO_HASH && ofOther.has(hash));
    return shared.length > 0;
  });
  return shared;
}

/** Waits until the DAC's hosts show a gateway all blobs of its batches. */
async function untilArchived(testnet: Testnet, dac: TestnetDac, batches: readonly StandingBatch[]): Promise<void> {
  await withProvider(testnet, dac, async (provider) => {
    for (const blobHash of new Set(batches.map(({ header }) => header.blobHash)))
      await until(`the hosts of ${dac.label} to show ${blobHash}`, ARCHIVED_MS, async () => {
        return (await provider.send("mvm_getBlob", [blobHash])) !== null;
      });
  });
}

/** Whether what came of rebuilding is the failure for want of data. */
async function failsForWantOfData(attempt: Promise<unknown>): Promise<boolean> {
  try {
    await attempt;
    return false;
  } catch (error) {
    return String((error as { stderr?: string }).stderr ?? error).includes("blob-unavailable");
  }
}

export const blobsFlow: Flow = {
  name: "blobs",
  text: "batches of two DACs share a blob; when L1 has dropped it, a DAC is rebuilt from what its hosts keep",
  size: BLOB_NETWORK,
  async run(testnet) {
    const [dac, other] = testnet.dacs;
    must(dac !== undefined && other !== undefined, "the network has two DACs");
    const shared = await sharedBlobs(testnet, [dac, other]);
    const batches = await batchesOf(testnet, dac);
    must(
      batches.every(({ header }) => blobRange(header) !== null),
      "every batch is in a blob",
    );
    const rebuilt = await rebuild(testnet, dac.label);
    await untilArchived(testnet, dac, batches);
    const later = await forgetfulL1(testnet.anvil.url);
    try {
      must(await failsForWantOfData(rebuild(testnet, dac.label, { l1Url: later.url })), "L1 shows no blobs any more");
      const again = await rebuild(testnet, dac.label, { l1Url: later.url, archive: dac.url });
      must(again.blocks >= rebuilt.blocks, "what the hosts keep is all of it");
      const stateRoot = await withProvider(testnet, dac, async (provider) => {
        const block = (await provider.send("eth_getBlockByNumber", [`0x${again.blocks.toString(16)}`, false])) as {
          stateRoot: string;
        };
        return block.stateRoot;
      });
      mustEqual(again.stateRoot as string, stateRoot, "the state root from archived blobs");
      const bytes = batches.reduce((sum, { header }) => sum + blobRange(header)!.length, 0);
      return { batches: batches.length, bytes, sharedBlobs: shared.length, rebuiltBlocks: again.blocks, stateRoot };
    } finally {
      await later.stop();
    }
  },
};
