/** The rules of a fork: which opcodes exist and their static gas, precompiles, switches. Tables come from the library. */
import { createHash } from "node:crypto";
import { type Common, createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, type EVM } from "@ethereumjs/evm";
import { type Address, keccak, LIMITS } from "@mvm/protocol";
import { loadCurves } from "./pairingCurve.ts";
import { blsBackend, type Precompile, precompileTable } from "./precompiles.ts";

/** Forks that the engine knows; all from the merge on. */
export const HARDFORKS = ["paris", "shanghai", "cancun", "prague", "osaka"] as const;
export type HardforkName = (typeof HARDFORKS)[number];

/**
 * `dac`: with the additions and limits of design page 10. `ethereum`: without them, base fee burnt, as public suites and
 * other engines have it.
 */
export type ChainKind = "dac" | "ethereum";

export type Rules = {
  readonly hardfork: HardforkName;
  readonly chain: ChainKind;
  /** bytes of memory that one operation may read and write */
  readonly rangeBytes: number;
  /** bytes that one transaction's logs may take */
  readonly logBytes: number;
  /** gas that one call of a precompile may use */
  readonly precompileGas: number;
  /** static gas by opcode; -1 where the fork has no such opcode */
  readonly gas: Int32Array;
  readonly precompiles: ReadonlyMap<Address, Precompile>;
  /** EIP-3651 */
  readonly warmFeeRecipient: boolean;
  /** EIP-3860 */
  readonly initcodeLimit: boolean;
  /** EIP-6780 */
  readonly destructOnlyCreated: boolean;
  /** EIP-7702 */
  readonly delegation: boolean;
  /** EIP-7623 */
  readonly calldataFloor: boolean;
  /** EIP-7825 */
  readonly transactionGasCap: boolean;
};

const LIBRARY_FORKS: Record<HardforkName, string> = {
  paris: Hardfork.Paris,
  shanghai: Hardfork.Shanghai,
  cancun: Hardfork.Cancun,
  prague: Hardfork.Prague,
  osaka: Hardfork.Osaka,
};

function staticGas(evm: EVM): Int32Array {
  const gas = new Int32Array(256).fill(-1);
  for (const [opcode, { fee }] of evm.opcodes) gas[opcode] = fee;
  return gas;
}

/** Rules of a fork, by the tables of @ethereumjs/evm. */
export async function rulesOf(hardfork: HardforkName, chain: ChainKind): Promise<Rules> {
  const customCrypto = {
    keccak256: keccak,
    sha256: (message: Uint8Array) => new Uint8Array(createHash("sha256").update(message).digest()),
  };
  const common: Common = createCustomCommon({ chainId: 1 }, Mainnet, {
    hardfork: LIBRARY_FORKS[hardfork],
    customCrypto,
  });
  const curves = await loadCurves();
  const evm = await createEVM({ common, bls: blsBackend(curves) });
  return {
    hardfork,
    chain,
    rangeBytes: chain === "dac" ? LIMITS.rangeBytes : Number.POSITIVE_INFINITY,
    logBytes: chain === "dac" ? LIMITS.receiptLogBytes : Number.POSITIVE_INFINITY,
    precompileGas: chain === "dac" ? LIMITS.precompileGas : Number.POSITIVE_INFINITY,
    gas: staticGas(evm),
    precompiles: precompileTable(evm, curves),
    warmFeeRecipient: common.isActivatedEIP(3651),
    initcodeLimit: common.isActivatedEIP(3860),
    destructOnlyCreated: common.isActivatedEIP(6780),
    delegation: common.isActivatedEIP(7702),
    calldataFloor: common.isActivatedEIP(7623),
    transactionGasCap: common.isActivatedEIP(7825),
  };
}
