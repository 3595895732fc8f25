/**
 * A batch is convicted, by an account in place of the contract of the fraud proofs: it falls with all after it, its poster is
 * ejected, and the network goes on in the next generation with all that users had been acknowledged.
 */
import { convict, headOf, operatorsPage, postingOf, type StandingBatch } from "@mvm/l1";
import { type Address, toAddress } from "@mvm/protocol";
import { rebuild } from "../rebuildProcess.ts";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import {
  acknowledge,
  batchesOf,
  MT,
  nodesOf,
  sendAs,
  untilIncluded,
  untilInGeneration,
  untilPosted,
  withProvider,
} from "./actions.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { CONVICTABLE_NETWORK } from "./networks.ts";

const DEPOSIT_WEI = 100n * MT;
const TRANSACTIONS = 8;
const GOES_ON_MS = 180_000;
const EJECTED_MS = 60_000;

/** Has the batch convicted that holds a block; gives back that batch. */
async function convictBatchOf(testnet: Testnet, dac: TestnetDac, block: bigint): Promise<StandingBatch> {
  const batches = await batchesOf(testnet, dac);
  const at = batches.findIndex(({ header }) => header.lastBlock >= block);
  const batch = batches[at];
  must(batch !== undefined, `block ${block} is on L1`);
  const proof = await postingOf(testnet.l1Reader, batch);
  const prover = toAddress(testnet.outsider.address);
  const { header } = batch;
  const call = convict(testnet.contracts, { header, proof, previous: batches[at - 1]?.header, prover });
  await sendAs(testnet, testnet.convictor.privateKey, call);
  return batch;
}

/** Whether a sequencer is out of the draws, which whoever leads a slot has to ask for. */
async function isEjected(testnet: Testnet, sequencer: Address): Promise<boolean> {
  const operators = await operatorsPage(testnet.l1Reader, "sequencer", 0n);
  return operators.some(({ account, isActive }) => account === sequencer && !isActive);
}

export const convictedFlow: Flow = {
  name: "convicted",
  text: "a posted batch is convicted on L1: its blocks fall at every node, their transactions come into blocks of the next generation",
  size: CONVICTABLE_NETWORK,
  async run(testnet) {
    const dac = await testnet.createDac({ label: "convicted", kind: "free", depositWei: DEPOSIT_WEI });
    return withProvider(testnet, dac, async (provider) => {
      let nonce = await provider.getTransactionCount(testnet.user.address);
      const send = (count: number) =>
        acknowledge(
          testnet,
          dac,
          provider,
          Array.from({ length: count }, () => nonce++),
        );
      await untilPosted(provider, await provider.getBlockNumber());
      const standing = await provider.getBlock("safe");
      const hashes = [...(await send(TRANSACTIONS))];
      await untilIncluded(provider, hashes, GOES_ON_MS);
      const first = BigInt((await provider.getTransactionReceipt(hashes[0]!))!.blockNumber);
      await untilPosted(provider, await provider.getBlockNumber());
      // one host hears of it only when it comes again
      const [away, other] = nodesOf(testnet, "storage");
      await away!.process.kill();
      const batch = await convictBatchOf(testnet, dac, first);
      const { header } = batch;
      mustEqual((await headOf(testnet.l1Reader, dac.chainId)).generation, 1n, "the chain's generation on L1");
      hashes.push(...(await send(TRANSACTIONS)));
      await untilInGeneration(provider, hashes, 1, GOES_ON_MS);
      mustEqual((await provider.getBlock(standing!.number))!.hash!, standing!.hash!, "what stands below");
      await untilPosted(provider, await provider.getBlockNumber());
      await until("who was convicted to be ejected", EJECTED_MS, () => isEjected(testnet, header.poster));
      const after = (await batchesOf(testnet, dac)).filter((one) => one.header.index >= header.index);
      must(after.length > 0, "batches are posted again");
      for (const { header: one } of after) {
        mustEqual(one.generation, 1n, "the generation of a new batch");
        must(one.poster !== header.poster, "the convicted sequencer posts no more");
      }
      await testnet.restart(away!);
      await other!.process.kill();
      const late = await send(TRANSACTIONS);
      await untilInGeneration(provider, late, 1, GOES_ON_MS);
      await untilPosted(provider, await provider.getBlockNumber());
      const rebuilt = await rebuild(testnet, dac.label);
      const last = await provider.getBlock(rebuilt.blocks);
      mustEqual(rebuilt.blockHash, last!.hash!, "the last block, rebuilt from L1");
      return {
        acknowledged: hashes.length + late.length,
        lost: 0,
        fallenFrom: Number(header.index),
        batchesAfter: after.length,
      };
    });
  },
};
