/** What an account of a chain that turned to exit shows L1 (invariant I10). */
import { finalFrom, hasExited, headOf, isExiting, postingOf, standingBatches } from "@mvm/l1";
import { type Address, EMPTY_CODE_HASH, fromHex, type Hash, type Hex, keccakHash, PREDEPLOYS } from "@mvm/protocol";
import { proveAccount } from "../withdrawalProof.ts";
import { BridgeError } from "./bridgeError.ts";
import type { ClaimDocument } from "./claimDocument.ts";
import { codeAt, headersOf, nodesByRpc } from "./dacGateway.ts";
import { exitOwnerSlot } from "./exitOwner.ts";
import { type BridgeSource, notFinal, toBridgeError } from "./messages.ts";
import { nextItemOf } from "./nextItem.ts";

/** Code of an account that delegates by EIP-7702: the prefix and an address. */
const DELEGATION = /^0xef0100[0-9a-f]{40}$/;

/** The last batch of a chain that turned to exit. Throws BridgeError not-exiting, nothing-to-exit, not-final; L1Error. */
async function lastBatch({ l1, chainId, deployedAtBlock }: BridgeSource) {
  if (!(await isExiting(l1, chainId)))
    throw new BridgeError("not-exiting", `chain ${chainId} has not turned to exit: withdraw instead`);
  const { lastBlock } = await headOf(l1, chainId);
  const [batch] = await standingBatches(l1, { chainId, downTo: lastBlock, fromBlock: deployedAtBlock });
  if (batch === undefined)
    throw new BridgeError("nothing-to-exit", `chain ${chainId} has no block on L1: only its queue is refunded`);
  const posting = await postingOf(l1, batch);
  const from = await finalFrom(l1, { header: batch.header, posting }, true);
  if (from !== undefined) throw notFinal(from);
  return { batch: batch.header, posting };
}

/**
 * The claim of an account's MT on a chain that turned to exit: its balance after the last block on L1, paid to the account
 * itself, or to the owner that a contract declared in MVM_Coinbase.
 * @throws BridgeError not-exiting, not-final, already-claimed, nothing-to-exit, no-exit-owner, bad-answer,
 *   gateway-unreachable; L1Error
 */
export async function proveExit(source: BridgeSource & { readonly account: Address }): Promise<ClaimDocument> {
  const { l1, l2, chainId, account } = source;
  const { batch, posting } = await lastBatch(source);
  if (await hasExited(l1, chainId, account))
    throw new BridgeError("already-claimed", `${account} was paid out on L1 before`);
  const number = batch.lastBlock;
  const headerOf = await headersOf(l2, batch.firstBlock, number);
  const request = { headerOf, batch, number, nodesUnder: nodesByRpc(l2, number) };
  const prove = (asked: { address: Address; slot?: Hash }) =>
    proveAccount({ ...request, ...asked }).catch((error: unknown) => {
      throw toBridgeError(error);
    });
  const proven = await prove({ address: account });
  if (proven.account === null || proven.account.balance === 0n)
    throw new BridgeError("nothing-to-exit", `${account} has no MT after block ${number} of chain ${chainId}`);
  const none: readonly Hex[] = [];
  let code: { code: Hex; coinbaseNodes: readonly Hex[]; ownerNodes: readonly Hex[] } = {
    code: "0x",
    coinbaseNodes: none,
    ownerNodes: none,
  };
  if (proven.account.codeHash !== EMPTY_CODE_HASH) {
    const shown = await codeAt(l2, account, number);
    if (keccakHash(fromHex(shown)) !== proven.account.codeHash)
      throw new BridgeError("bad-answer", `the gateway's code of ${account} is another one`);
    if (DELEGATION.test(shown)) code = { ...code, code: shown };
    else {
      const owner = await prove({ address: PREDEPLOYS.coinbase, slot: exitOwnerSlot(account) });
      if (owner.value === 0n)
        throw new BridgeError("no-exit-owner", `the contract ${account} has declared nobody on L1 in MVM_Coinbase`);
      code = { ...code, coinbaseNodes: owner.accountNodes, ownerNodes: owner.slotNodes };
    }
  }
  const { header, position, siblings } = proven.block;
  return {
    bridge: l1.addresses.bridge,
    claim: {
      kind: "exit",
      account,
      block: { batch, posting, header, position, siblings },
      accountNodes: proven.accountNodes,
      code,
    },
    next: await nextItemOf(source, batch),
  };
}
