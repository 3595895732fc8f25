/** Many transactions of one account on L1 at once. */
import type { L1Call } from "@mvm/l1";
import type { Address } from "@mvm/protocol";
import type { HDNodeWallet } from "ethers";

/** Sends transactions of one account without waiting for one before the next; waits until all are mined. */
export async function sendTogether(
  from: HDNodeWallet,
  requests: readonly (L1Call | { readonly to: Address; readonly value: bigint })[],
): Promise<void> {
  const first = await from.getNonce("pending");
  const sent = await Promise.all(
    requests.map((request, i) => {
      const { to } = request;
      const what = "data" in request ? { data: request.data } : { value: request.value };
      return from.sendTransaction({ to, ...what, nonce: first + i });
    }),
  );
  await Promise.all(sent.map((transaction) => transaction.wait()));
}
