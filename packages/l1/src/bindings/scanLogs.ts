/** Past events of one contract, newest first, over ranges that L1 nodes serve in one answer. */
import { type Hash, toHash } from "@mvm/protocol";
import type { Result } from "ethers";
import { INTERFACES, type L1ContractName } from "../contracts.ts";
import { getLogs, getQuantity, type L1Log, type L1Receipt } from "../l1Rpc.ts";
import type { L1Reader } from "./readView.ts";

/** L1 blocks of one request. */
const RANGE_BLOCKS = 5_000n;

export type LogScan = {
  readonly contract: L1ContractName;
  /** names of the contract's events */
  readonly events: readonly string[];
  /** values of their indexed parameters from the first on */
  readonly indexed: readonly Hash[];
  /** L1 block before which there is none */
  readonly fromBlock: bigint;
};

/** The first topics of a contract's events. */
export const topicsOf = (contract: L1ContractName, events: readonly string[]): readonly Hash[] =>
  events.map((name) => toHash(INTERFACES[contract].getEvent(name)!.topicHash));

/**
 * Asks for ever older ranges, from L1's head back, until `take` answers true or there are no more; a range's logs come in
 * their order. Throws L1Error.
 */
export async function scanLogs(
  reader: L1Reader,
  scan: LogScan,
  take: (logs: readonly L1Log[]) => boolean,
): Promise<void> {
  const filter = {
    addresses: [reader.addresses[scan.contract]],
    firstTopics: topicsOf(scan.contract, scan.events),
    laterTopics: scan.indexed,
  };
  let toBlock = await getQuantity(reader.transport, "eth_blockNumber", []);
  while (toBlock >= scan.fromBlock) {
    const start = toBlock - RANGE_BLOCKS + 1n;
    const fromBlock = start > scan.fromBlock ? start : scan.fromBlock;
    if (take(await getLogs(reader.transport, { ...filter, fromBlock, toBlock }))) return;
    toBlock = fromBlock - 1n;
  }
}

/** Arguments of one kind of event that a contract told in a transaction, in their order. Throws L1Error. */
export async function receiptEvents(
  reader: L1Reader,
  { blockNumber, transactionHash }: Pick<L1Receipt, "blockNumber" | "transactionHash">,
  contract: L1ContractName,
  event: string,
): Promise<readonly Result[]> {
  const logs = await getLogs(reader.transport, {
    fromBlock: blockNumber,
    toBlock: blockNumber,
    addresses: [reader.addresses[contract]],
    firstTopics: topicsOf(contract, [event]),
  });
  return logs
    .filter((log) => log.transactionHash === transactionHash)
    .map(({ topics, data }) => INTERFACES[contract].parseLog({ topics, data })!.args);
}
