/** Whether a deposit is held. */
import { type L1Reader, type L1Receipt, receiptEvents } from "@mvm/l1";

/** Number under which a deposit is held, which was made by a transaction; undefined where it went into the queue. */
export async function heldIdIn(l1: L1Reader, receipt: L1Receipt): Promise<bigint | undefined> {
  const [held] = await receiptEvents(l1, receipt, "bridge", "DepositHeld");
  return held === undefined ? undefined : BigInt(held["id"]);
}
