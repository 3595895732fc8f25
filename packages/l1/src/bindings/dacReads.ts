/** What L1 knows of DACs beside their records: founding charters, thresholds. */
import { type ChainId, type Hex, toChainId, toWordHex } from "@mvm/protocol";
import { INTERFACES } from "../contracts.ts";
import { L1Error } from "../l1Error.ts";
import { getLogs } from "../l1Rpc.ts";
import { type L1Reader, read } from "./readView.ts";
import { scanLogs, topicsOf } from "./scanLogs.ts";

/** Most sequencers that sequencersAtLeast counts: SequencerPool.MAX_COUNT. */
export const MAX_COUNTED_SEQUENCERS = 64n;

/**
 * The charter that a DAC was founded with, abi.encode(Charter), and the units of storage that it asked for, from the
 * event of its creation.
 * @throws L1Error bad-response where L1 gives no such event in the block of the record
 */
export async function foundingOf(
  reader: L1Reader,
  dac: { readonly chainId: ChainId; readonly createdAtBlock: bigint },
): Promise<{ readonly charter: Hex; readonly storageUnits: number }> {
  const [log] = await getLogs(reader.transport, {
    fromBlock: dac.createdAtBlock,
    toBlock: dac.createdAtBlock,
    addresses: [reader.addresses.comco],
    firstTopics: topicsOf("comco", ["DacCreated"]),
    laterTopics: [toWordHex(dac.chainId)],
  });
  const parsed = log && INTERFACES.comco.parseLog({ topics: log.topics, data: log.data });
  if (!parsed) throw new L1Error("bad-response", `L1 gives no event of the creation of chain ${dac.chainId}`);
  return { charter: String(parsed.args["charter"]) as Hex, storageUnits: Number(parsed.args["storageUnits"]) };
}

/** Chain IDs and labels of all DACs, newest first. */
export async function allDacs(
  reader: L1Reader,
  fromBlock: bigint,
): Promise<readonly { readonly chainId: ChainId; readonly label: string }[]> {
  const dacs: { readonly chainId: ChainId; readonly label: string }[] = [];
  await scanLogs(reader, { contract: "comco", events: ["DacCreated"], indexed: [], fromBlock }, (logs) => {
    for (const { topics, data } of logs.toReversed()) {
      const { chainId, label } = INTERFACES.comco.parseLog({ topics, data })!.args;
      dacs.push({ chainId: toChainId(chainId), label: String(label) });
    }
    return false;
  });
  return dacs;
}

/** A DAC's Dynamic Bond Threshold as it stands now, wei of MT. */
export function thresholdOf(reader: L1Reader, chainId: ChainId): Promise<bigint> {
  return read(reader, { contract: "bondManager", method: "threshold", values: [chainId] }, ([wei]) => BigInt(wei));
}

/** Number of sequencers whose effective stake reaches a threshold, counted up to MAX_COUNTED_SEQUENCERS. */
export function sequencersAtLeast(reader: L1Reader, thresholdWei: bigint): Promise<bigint> {
  const values = [thresholdWei, MAX_COUNTED_SEQUENCERS];
  return read(reader, { contract: "sequencerPool", method: "countAtLeast", values }, ([count]) => BigInt(count));
}

/** Sequencers that a DAC needs above its threshold for a deposit to be admitted. */
export function minEligible(reader: L1Reader): Promise<bigint> {
  return read(reader, { contract: "parameters", method: "minEligible", values: [] }, ([count]) => BigInt(count));
}
