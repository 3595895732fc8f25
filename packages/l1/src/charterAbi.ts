/** Charters in the form of the contracts: the tuple that Comco takes and MVM_DACMaster decodes. */
import {
  type Charter,
  type Hex,
  OPCODES,
  OPERATIONS,
  type Operation,
  opcodeNameOf,
  type Permission,
  toAddress,
} from "@mvm/protocol";
import { AbiCoder, getBytes, type Result, toBeHex, toUtf8Bytes } from "ethers";

/** struct Charter of CharterRules.sol, its texts as bytes: nothing on L1 makes them valid UTF-8. */
const CHARTER_LAYOUT =
  "tuple(bytes vision, bytes mission, tuple(address[] addresses, uint8 operation, bytes1 opcode)[] permissions, " +
  "tuple(uint256 threshold, uint16 rate)[] taxRates, address managementContract)";

const lossyText = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

function byteOf(opcode: string): number {
  const byte = OPCODES.get(opcode);
  if (byte === undefined) throw new RangeError(`no opcode ${opcode}`);
  return byte;
}

const ruleValues = ({ addresses, operation, opcode }: Permission): readonly unknown[] => [
  addresses,
  OPERATIONS.indexOf(operation),
  toBeHex(byteOf(opcode), 1),
];

/** A charter as an argument of the contracts. Throws RangeError for an opcode that has no name. */
export function charterValues(charter: Charter): readonly unknown[] {
  const { vision, mission, permissions, taxRates, managementContract } = charter;
  const brackets = taxRates.map(({ threshold, rate }) => [threshold, rate]);
  return [vision, mission, permissions.map(ruleValues), brackets, managementContract];
}

/** abi.encode(Charter), as Comco's DacCreated event has it. Throws RangeError for an opcode that has no name. */
export function encodeCharter(charter: Charter): Hex {
  const [vision, mission, ...others] = charterValues(charter) as [string, string, ...unknown[]];
  const values = [toUtf8Bytes(vision), toUtf8Bytes(mission), ...others];
  return AbiCoder.defaultAbiCoder().encode([CHARTER_LAYOUT], [values]) as Hex;
}

function toOperation(value: bigint): Operation {
  const operation = OPERATIONS[Number(value)];
  if (operation === undefined) throw new RangeError(`no operation ${value}`);
  return operation;
}

function toPermission(fields: Result): Permission {
  const opcode = opcodeNameOf(Number(fields["opcode"]));
  if (opcode === undefined) throw new RangeError(`no opcode ${fields["opcode"]}`);
  const addresses = Array.from(fields["addresses"] as Result, (address) => toAddress(address as string));
  return { addresses, operation: toOperation(fields["operation"]), opcode };
}

/** Decodes abi.encode(Charter); bytes that are no UTF-8 become replacement characters. Throws on any other form. */
export function decodeCharter(encoded: Uint8Array): Charter {
  const [fields] = AbiCoder.defaultAbiCoder().decode([CHARTER_LAYOUT], encoded);
  const brackets = fields.taxRates as Result;
  return {
    vision: lossyText.decode(getBytes(fields.vision)),
    mission: lossyText.decode(getBytes(fields.mission)),
    permissions: Array.from(fields.permissions as Result, (rule) => toPermission(rule as Result)),
    taxRates: Array.from(brackets, ({ threshold, rate }) => ({ threshold: BigInt(threshold), rate: Number(rate) })),
    managementContract: toAddress(fields.managementContract),
  };
}
