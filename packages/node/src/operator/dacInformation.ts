/** What is known of a DAC: its record and money on L1, its charter as founded and as it stands. */
import {
  dacRecord,
  decodeCharter,
  foundingOf,
  headOf,
  heldMt,
  isExiting,
  lockedMt,
  minEligible,
  sequencersAtLeast,
  thresholdOf,
} from "@mvm/l1";
import { type Charter, fromHex, keccakHash, OPERATIONS, opcodeNameOf, PREDEPLOYS, toAddress } from "@mvm/protocol";
import { Interface } from "ethers";
import { view, withGateway } from "./gateway.ts";
import { formatAmount } from "./mtAmount.ts";
import { type Observer, requireDac } from "./operator.ts";
import type { Report } from "./staking.ts";

const MASTER = new Interface([
  "function vision() view returns (string)",
  "function mission() view returns (string)",
  "function managementContract() view returns (address)",
  "function permissions() view returns (tuple(address[] addresses, uint8 operation, bytes1 opcode)[])",
  "function taxRates() view returns (tuple(uint256 threshold, uint16 rate)[])",
]);

/** A charter as `mvm dac create --charter` takes it. */
const charterJson = (charter: Charter): Report => ({
  ...charter,
  taxRates: charter.taxRates.map(({ threshold, rate }) => ({ threshold: String(threshold), rate })),
});

/** A DAC's record, charter hash, threshold, money, head on L1. Throws ConfigError, L1Error. */
export async function dacInformation(observer: Observer, label: string): Promise<Report> {
  const { l1 } = observer;
  const chainId = await requireDac(observer, label);
  const record = await dacRecord(l1, chainId);
  const { charter, storageUnits } = await foundingOf(l1, { chainId, createdAtBlock: record.createdAtBlock });
  const [threshold, locked, held, head, exiting, needed] = await Promise.all([
    thresholdOf(l1, chainId),
    lockedMt(l1, chainId),
    heldMt(l1, chainId),
    headOf(l1, chainId),
    isExiting(l1, chainId),
    minEligible(l1),
  ]);
  return {
    label: record.label,
    chainId: String(chainId),
    creator: record.creator,
    management: record.management,
    genesisHash: record.genesisHash,
    createdAtBlock: Number(record.createdAtBlock),
    charterHash: keccakHash(fromHex(charter)),
    storageUnits,
    thresholdMT: formatAmount(threshold),
    lockedMT: formatAmount(locked),
    heldMT: formatAmount(held),
    batches: Number(head.nextIndex),
    lastBlock: Number(head.lastBlock),
    queueEnd: Number(head.queueEnd),
    generation: Number(head.generation),
    exiting,
    qualifyingSequencers: Number(await sequencersAtLeast(l1, threshold)),
    neededSequencers: Number(needed),
  };
}

/** The charter that a DAC was founded with, as L1 committed to it. Throws ConfigError, L1Error. */
export async function foundingCharter(observer: Observer, label: string): Promise<Report> {
  const chainId = await requireDac(observer, label);
  const { createdAtBlock } = await dacRecord(observer.l1, chainId);
  const { charter } = await foundingOf(observer.l1, { chainId, createdAtBlock });
  return charterJson(decodeCharter(fromHex(charter)));
}

/** The charter as MVM_DACMaster has it after the DAC's latest block, by a gateway's word. Throws ConfigError, BridgeError, L1Error. */
export async function presentCharter(observer: Observer, label: string, rpcUrl: string): Promise<Report> {
  const chainId = await requireDac(observer, label);
  return withGateway(rpcUrl, chainId, async (l2) => {
    const ask = (name: string): Promise<unknown> => view(l2, PREDEPLOYS.dacMaster, MASTER, name);
    const rules = (await ask("permissions")) as { addresses: string[]; operation: bigint; opcode: string }[];
    const brackets = (await ask("taxRates")) as { threshold: bigint; rate: bigint }[];
    return charterJson({
      vision: String(await ask("vision")),
      mission: String(await ask("mission")),
      permissions: Array.from(rules, ({ addresses, operation, opcode }) => ({
        addresses: Array.from(addresses, (address) => toAddress(address)),
        operation: OPERATIONS[Number(operation)]!,
        opcode: opcodeNameOf(Number(opcode)) ?? opcode,
      })),
      taxRates: Array.from(brackets, ({ threshold, rate }) => ({ threshold: BigInt(threshold), rate: Number(rate) })),
      managementContract: toAddress(String(await ask("managementContract"))),
    });
  });
}
