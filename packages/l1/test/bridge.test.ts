import {
  appendBatches,
  type BatchProof,
  balanceOf,
  chainIdOfLabel,
  claimExit,
  claimWithdrawal,
  depositERC20,
  depositMt,
  forceTransaction,
  lockedMt,
  type PostedBlockProof,
  refundItem,
  relayMessage,
  replayMessage,
  resendTokenDeposit,
  turnToExit,
} from "@mvm/l1";
import {
  type BatchHeader,
  type ChainId,
  EMPTY_CODE_HASH,
  EMPTY_TRIE_ROOT,
  encodeHeader,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  type Header,
  type Hex,
  hashBatchHeader,
  hashHeader,
  keccakHash,
  type Message,
  merkleProof,
  merkleRoot,
  messageHash,
  PROFILES,
  sentSlot,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { encodeRlp, stripZerosLeft, toBeHex } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  beginNextDraw,
  createDacNamed,
  everythingTold,
  fund,
  MT,
  nextHeader,
  refusalOf,
  registerFor,
  signed,
  startNetwork,
  type TestNetwork,
} from "./network.ts";

const { maxWindowSeconds, forceDelaySeconds, exitAfterSeconds } = PROFILES.devnet;
const DEPOSIT = 5n * MT;
const WITHDRAWN = 2n * MT;
const [USER, OTHER] = [6, 7];

/** A trie with one value: its root, which proves it. */
function oneLeaf(key: Hex, value: string): { readonly root: Hash; readonly nodes: readonly Hex[] } {
  const node = encodeRlp([`0x20${keccakHash(fromHex(key)).slice(2)}`, value]) as Hex;
  return { root: keccakHash(fromHex(node)), nodes: [node] };
}

let network: TestNetwork;
let chains: readonly ChainId[];
let withdrawal: Message;
let message: Message;
let sent: ReturnType<typeof oneLeaf>;
let account: ReturnType<typeof oneLeaf>;
let block: PostedBlockProof;
let snapshot: unknown;

const accountAt = (position: number) => network.accounts[position]!;
const refusal = (call: Parameters<(typeof network.accounts)[0]["submit"]>[0], from = 0) =>
  refusalOf(accountAt(from).submit(call));
const later = async (seconds: number): Promise<void> => {
  await network.anvil.provider.send("evm_increaseTime", [seconds]);
  await network.anvil.mine(1);
};

/** Posts a batch of two blocks for each chain in one transaction; the last block of the second one is proven. */
async function post(header: Header): Promise<PostedBlockProof> {
  const data = [Uint8Array.of(1), Uint8Array.of(2)];
  const hashes = [keccakHash(Uint8Array.of(3)), hashHeader(header)];
  const first = await nextHeader(network, chains[0]!, data[0]!, 2n);
  const plain = await nextHeader(network, chains[1]!, data[1]!, 2n);
  const second: BatchHeader = { ...plain, blocksRoot: merkleRoot(hashes), queueEnd: 1n };
  const batches = [signed(network, first, data[0]!), signed(network, second, data[1]!)];
  const receipt = await accountAt(0).submit(appendBatches(network.addresses, batches));
  const number = toBeHex(receipt.blockNumber);
  const mined = (await network.anvil.provider.send("eth_getBlockByNumber", [number.replace(/^0x0+/, "0x"), false])) as {
    readonly timestamp: string;
  };
  const posting: BatchProof = {
    postedAt: BigInt(mined.timestamp),
    position: 1n,
    count: 2n,
    siblings: merkleProof([first, second].map(hashBatchHeader), 1),
  };
  const place = { position: 1n, siblings: merkleProof(hashes, 1) };
  return { batch: second, posting, header: toHex(encodeHeader(header)), ...place };
}

beforeAll(async () => {
  network = await startNetwork();
  for (const label of ["one", "two"]) await createDacNamed(network, label);
  chains = await Promise.all(["one", "two"].map(async (label) => (await chainIdOfLabel(network.reader, label))!));
  const [chainId, user] = [chains[1]!, accountAt(USER).address];
  await registerFor(network, accountAt(1), "sequencer");
  await fund(network, accountAt(USER), "bridge", 100n * MT);
  await accountAt(USER).submit(depositMt(network.addresses, { chainId, to: user, amountWei: DEPOSIT }));
  await beginNextDraw(network);
  const target = accountAt(OTHER).address;
  const base = { chainId, nonce: 4n, sender: user, target };
  withdrawal = { ...base, kind: "withdrawal", value: WITHDRAWN, data: new Uint8Array(0) };
  message = { ...base, kind: "call", value: 0n, data: Uint8Array.of(1) };
  sent = oneLeaf(sentSlot(messageHash(withdrawal)), "0x01");
  const balance = stripZerosLeft(toBeHex(WITHDRAWN));
  account = oneLeaf(user, encodeRlp(["0x", balance, EMPTY_TRIE_ROOT, EMPTY_CODE_HASH]));
  block = await post({
    parentHash: ZERO_HASH,
    stateRoot: account.root,
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    logsBloom: new Uint8Array(256),
    number: 2n,
    gasUsed: 0n,
    timestamp: 1n,
    checkpointsRoot: ZERO_HASH,
    withdrawalsRoot: sent.root,
    prevRandao: ZERO_HASH,
    baseFeePerGas: GENESIS_BASE_FEE,
  });
});
afterAll(() => network.stop());
beforeEach(async () => {
  if (snapshot !== undefined) await network.anvil.provider.send("evm_revert", [snapshot]);
  snapshot = await network.anvil.provider.send("evm_snapshot", []);
});

describe("what a DAC gives out", () => {
  it("is paid once, to its receiver, when its batch is final; who carries the proof does not matter", async () => {
    const claim = claimWithdrawal(network.addresses, { message: withdrawal, block, nodes: sent.nodes });
    expect(await refusal(claim)).toBe("NotFinal");
    await later(maxWindowSeconds);
    const before = await balanceOf(network.reader, accountAt(OTHER).address);
    await accountAt(8).submit(claim);
    expect(await balanceOf(network.reader, accountAt(OTHER).address)).toBe(before + WITHDRAWN);
    expect(await lockedMt(network.reader, chains[1]!)).toBe(DEPOSIT - WITHDRAWN);
    expect(await refusal(claim)).toBe("AlreadyDone");
    const lowered = (await everythingTold(network)).ofType("threshold-changed").map(({ thresholdMT }) => thresholdMT);
    expect(lowered).toEqual([5, 3]);
  });

  it("is refused by name where it was not sent, not posted so, or is of another kind", async () => {
    await later(maxWindowSeconds);
    const nodes = sent.nodes;
    const more = { ...withdrawal, value: WITHDRAWN + 1n };
    const elsewhere = { ...block, posting: { ...block.posting, position: 0n } };
    const refused = (claim: Partial<Parameters<typeof claimWithdrawal>[1]>) =>
      refusal(claimWithdrawal(network.addresses, { message: withdrawal, block, nodes, ...claim }));
    expect(await refused({ message: more })).toBe("NotSent");
    expect(await refused({ block: elsewhere })).toBe("UnknownBatch");
    expect(await refused({ block: { ...block, position: 0n } })).toBe("BlockNotInBatch");
    expect(await refused({ message })).toBe("WrongKind");
    expect(await refusal(relayMessage(network.addresses, { message: withdrawal, block, nodes }))).toBe("WrongKind");
    expect(await refusal(relayMessage(network.addresses, { message, block, nodes }))).toBe("NotSent");
    expect(await refusal(replayMessage(network.addresses, message))).toBe("NotReplayable");
  });

  it("asks for the first item that the batch left, where it left one", async () => {
    const chainId = chains[1]!;
    await accountAt(USER).submit(forceTransaction(network.addresses, { chainId, transaction: Uint8Array.of(1) }));
    await later(maxWindowSeconds);
    const claim = { message: withdrawal, block, nodes: sent.nodes };
    expect(await refusal(claimWithdrawal(network.addresses, claim))).toBe("QueueItemMissing");
    const next = (await everythingTold(network)).ofType("queue-item-added")[1]!.item;
    expect(next.mintedBefore).toBe(DEPOSIT);
    const wrong = claimWithdrawal(network.addresses, { ...claim, next: { ...next, mintedBefore: 100n * MT } });
    expect(await refusal(wrong)).toBe("WrongQueueItem");
    expect(await refusal(claimWithdrawal(network.addresses, { ...claim, next }))).toBeUndefined();
  });
});

describe("an exit from a chain", () => {
  it("pays each account once what it had in the last block", async () => {
    const [chainId, user] = [chains[1]!, accountAt(USER).address];
    const claim = { account: user, block, accountNodes: account.nodes };
    expect(await refusal(claimExit(network.addresses, claim))).toBe("NotExiting");
    await accountAt(USER).submit(forceTransaction(network.addresses, { chainId, transaction: Uint8Array.of(1) }));
    const item = (await everythingTold(network)).ofType("queue-item-added")[1]!.item;
    await later(maxWindowSeconds + forceDelaySeconds + exitAfterSeconds);
    await accountAt(0).submit(turnToExit(network.addresses, { chainId, item }));
    const exit = claimExit(network.addresses, { ...claim, next: item });
    const before = await balanceOf(network.reader, user);
    await accountAt(8).submit(exit);
    expect(await balanceOf(network.reader, user)).toBe(before + WITHDRAWN);
    expect(await refusal(exit)).toBe("AlreadyExited");
    expect(await refusal(refundItem(network.addresses, { chainId, index: 1n, item }))).toBe("NotRefundable");
  });
});

describe("deposits of tokens", () => {
  it("are refused for MT itself, and sent again for a deposit of a token alone", async () => {
    const [chainId, { token }] = [chains[1]!, network.addresses];
    const deposit = { chainId, token, to: accountAt(USER).address, amount: 1n };
    expect(await refusal(depositERC20(network.addresses, deposit))).toBe("UseDepositMT");
    const { item, data } = (await everythingTold(network)).ofType("queue-item-added")[0]!;
    const again = resendTokenDeposit(network.addresses, { chainId, index: 0n, item, data });
    expect(await refusal(again)).toBe("NotATokenDeposit");
  });
});
