/** A deposit from L1 (type 0x7E): mints MT and counts it, without any code running. */
import {
  type Account,
  type AccountWrite,
  type Address,
  type Deposit,
  EMPTY_CODE_HASH,
  type IncludedOutcome,
  type StateEntry,
  type StateReader,
  ZERO_HASH,
} from "@mvm/protocol";
import { ExecutionError } from "./errors.ts";
import { OverlayReader } from "./overlay.ts";
import { MAX_WORD } from "./words.ts";

const NOBODY: Account = { nonce: 0n, balance: 0n, codeHash: EMPTY_CODE_HASH };

/**
 * Executes a deposit: `to` gets `mint`, and slot 0 of `coinbase` (MVM_Coinbase's totalSupply) grows by it. Uses no
 * gas and cannot fail; a mint of nothing changes nothing.
 * @throws ExecutionError where the reader fails, or where the supply would not fit a word
 */
export async function executeDeposit(
  deposit: Pick<Deposit, "to" | "mint">,
  reader: StateReader,
  coinbase: Address,
): Promise<IncludedOutcome> {
  const { to, mint } = deposit;
  const overlay = reader instanceof OverlayReader ? reader : new OverlayReader(reader);
  const receiver = await overlay.account(to);
  const reads: StateEntry[] = [{ kind: "account", address: to, value: receiver }];
  const keeper = to === coinbase ? receiver : await overlay.account(coinbase);
  if (to !== coinbase) reads.push({ kind: "account", address: coinbase, value: keeper });
  const supply = await overlay.slot(coinbase, ZERO_HASH);
  reads.push({ kind: "slot", address: coinbase, slot: ZERO_HASH, value: supply });
  const included = { kind: "included", status: 1, gasUsed: 0n, logs: [] } as const;
  if (mint === 0n) return { ...included, writes: [], reads };
  if (mint < 0n || supply + mint > MAX_WORD) {
    throw new ExecutionError(
      "inconsistent-value",
      { kind: "slot", address: coinbase, slot: ZERO_HASH },
      `a mint of ${mint} does not fit`,
    );
  }
  const credited: Account = { ...(receiver ?? NOBODY), balance: (receiver?.balance ?? 0n) + mint };
  const slots = [{ slot: ZERO_HASH, value: supply + mint }];
  const writes: AccountWrite[] = [];
  if (to === coinbase) writes.push({ address: to, account: credited, code: null, slots });
  else {
    writes.push({ address: to, account: credited, code: null, slots: [] });
    writes.push({ address: coinbase, account: keeper ?? NOBODY, code: null, slots });
    writes.sort((a, b) => (a.address < b.address ? -1 : 1));
  }
  return { ...included, writes, reads };
}
