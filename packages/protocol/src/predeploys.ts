/** Accounts that every DAC's chain has from its genesis on. */
import type { Account, AccountWrite } from "./execution.ts";
import { MVM_COINBASE_CODE } from "./generated/predeployCode.ts";
import { keccakHash } from "./hash.ts";
import { fromHex, toAddress } from "./hex.ts";

export const PREDEPLOYS = {
  /** MVM_Coinbase: keeps the supply of native MT (slot 0) */
  coinbase: toAddress("0x4d564d0000000000000000000000000000000001"),
  /** MVM_ExecutionManager's account: gathers base fees and tips, never burnt; the header's beneficiary */
  feeAccumulator: toAddress("0x4d564d0000000000000000000000000000000002"),
} as const;

/** Slot of MVM_Coinbase that holds the total supply in wei of MT. */
export const TOTAL_SUPPLY_SLOT = 0n;

/** State of block 0: the predeploys' code, nothing else. Sorted by address. */
export function genesisWrites(): readonly AccountWrite[] {
  const code = fromHex(MVM_COINBASE_CODE);
  const account: Account = { nonce: 1n, balance: 0n, codeHash: keccakHash(code) };
  return [{ address: PREDEPLOYS.coinbase, account, code, slots: [] }];
}
