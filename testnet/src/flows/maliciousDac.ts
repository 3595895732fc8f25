/** A DAC whose only sequencer lies: what it pays out of nothing stays unpaid, and no other DAC loses anything. */
import {
  approve,
  type BatchProof,
  balanceOf,
  claimWithdrawal,
  type DecodedRevert,
  finalFrom,
  L1Submitter,
  lockedMt,
  type ProvenMessage,
  postingOf,
  queueLength,
  register,
  requestExit,
  type StandingBatch,
  standingBatches,
  transferMt,
} from "@mvm/l1";
import {
  type Address,
  BLOOM_BYTES,
  blsKeyFromSecret,
  blsSecretFromSeed,
  concatBytes,
  EMPTY_TRIE_ROOT,
  encodeHeader,
  encodeRlp,
  fromHex,
  GENESIS_BASE_FEE,
  type Hash,
  type Header,
  hashHeader,
  keccakHash,
  type Message,
  merkleRoot,
  messageHash,
  PREDEPLOYS,
  provePeerPossession,
  provePossession,
  sentSlot,
  toAddress,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { Contract, randomBytes, Wallet } from "ethers";
import { L1_CHAIN_ID } from "../anvil.ts";
import { MVM_COINBASE_ABI } from "../generated/predeployAbis.ts";
import type { Testnet, TestnetDac } from "../testnet.ts";
import { until } from "../until.ts";
import { included, l1Time, leaderOf, MT, nextBatch, recordedSlot, refusalOf, userOn, withProvider } from "./actions.ts";
import { claimSent } from "./claiming.ts";
import { type Flow, must, mustEqual } from "./flow.ts";
import { STAKED_NETWORK } from "./networks.ts";

/** Above every other stake, so that no honest sequencer may serve the DAC. */
const STAKE_WEI = 56_000n * MT;
const DEPOSIT_WEI = 55_000n * MT;
const FORGED_WEI = DEPOSIT_WEI + 1_000n * MT;
const HONEST_DEPOSIT_WEI = 100n * MT;
const HONEST_WITHDRAWAL_WEI = 7n * MT;
const ELECTED_MS = 120_000;
const FINAL_MS = 300_000;

/** A sequencer that runs no node: a key with a stake. */
class Liar {
  readonly wallet = Wallet.createRandom();
  readonly address: Address = toAddress(this.wallet.address);
  readonly onL1: L1Submitter;
  readonly #testnet: Testnet;

  constructor(testnet: Testnet) {
    this.#testnet = testnet;
    this.onL1 = new L1Submitter({
      transport: testnet.anvil.provider,
      l1ChainId: BigInt(L1_CHAIN_ID),
      wallet: this.wallet,
      signal: new AbortController().signal,
    });
  }

  async register(): Promise<void> {
    const { contracts, anvil } = this.#testnet;
    await this.#testnet.onL1(transferMt(contracts, this.address, STAKE_WEI));
    const payer = new Wallet(this.#testnet.senders[2]!.privateKey, anvil.provider);
    await (await payer.sendTransaction({ to: this.address, value: MT })).wait();
    const bls = blsKeyFromSecret(blsSecretFromSeed(randomBytes(32)));
    const place = { l1ChainId: BigInt(L1_CHAIN_ID), registry: contracts.sequencerPool, operator: this.address };
    const signUp = {
      blsPublicKey: bls.publicKey,
      possession: provePossession(bls, place),
      peer: provePeerPossession(randomBytes(32), place),
      multiaddr: new TextEncoder().encode("/ip4/127.0.0.1/tcp/1"),
    };
    await this.onL1.submit(approve(contracts, "bondManager", STAKE_WEI));
    await this.onL1.submit(register(contracts, "sequencer", { signUp, stakeWei: STAKE_WEI }));
  }
}

/** A block that nothing justifies: its withdrawalsRoot holds one message. */
function forgedBlock(message: Message): { header: Header; nodes: readonly `0x${string}`[] } {
  const path = fromHex(keccakHash(fromHex(sentSlot(messageHash(message)))));
  const leaf = encodeRlp([concatBytes(Uint8Array.of(0x20), path), Uint8Array.of(1)]);
  const header: Header = {
    parentHash: ZERO_HASH,
    stateRoot: EMPTY_TRIE_ROOT,
    transactionsRoot: EMPTY_TRIE_ROOT,
    receiptsRoot: EMPTY_TRIE_ROOT,
    logsBloom: new Uint8Array(BLOOM_BYTES),
    number: 1n,
    gasUsed: 0n,
    timestamp: 1n,
    checkpointsRoot: ZERO_HASH,
    withdrawalsRoot: keccakHash(leaf),
    prevRandao: ZERO_HASH,
    baseFeePerGas: GENESIS_BASE_FEE,
  };
  return { header, nodes: [toHex(leaf)] };
}

/** Posts the block as the DAC's next batch, which takes the whole queue. */
async function postForged(testnet: Testnet, dac: TestnetDac, liar: Liar, block: Header): Promise<Hash> {
  const reader = testnet.l1Reader;
  const data = new TextEncoder().encode("nothing of it is true");
  const slot = await recordedSlot(testnet);
  must((await leaderOf(testnet, dac, slot)) === liar.address, "the liar leads the slot");
  const blocksRoot = merkleRoot([hashHeader(block)]);
  const call = await nextBatch(testnet, dac, {
    key: liar.wallet.privateKey as `0x${string}`,
    data,
    blocksRoot,
    queueEnd: await queueLength(reader, dac.chainId),
    slot,
    poster: liar.address,
  });
  await liar.onL1.submit(call);
  return blocksRoot;
}

/** The forged batch, once it is on L1; and the proof that L1 asks for. */
async function provenForged(
  testnet: Testnet,
  { dac, blocksRoot }: { dac: TestnetDac; blocksRoot: Hash },
  message: Message,
): Promise<{ batch: StandingBatch; posting: BatchProof; proven: ProvenMessage }> {
  const reader = testnet.l1Reader;
  const standing = await standingBatches(reader, { chainId: dac.chainId, downTo: 0n, fromBlock: 0n });
  const batch = standing.find(({ header }) => header.blocksRoot === blocksRoot);
  must(batch !== undefined, "L1 took the forged batch");
  const { header, nodes } = forgedBlock(message);
  const posting = await postingOf(reader, batch);
  const block = { batch: batch.header, posting, header: toHex(encodeHeader(header)), position: 0n, siblings: [] };
  return { batch, posting, proven: { message, block, nodes } };
}

/** Claims the forged withdrawal, in vain within the window, and once the batch is final: why L1 refuses then. */
async function refusedClaim(
  testnet: Testnet,
  forged: { readonly dac: TestnetDac; readonly blocksRoot: Hash },
  message: Message,
): Promise<DecodedRevert> {
  const { batch, posting, proven } = await provenForged(testnet, forged, message);
  const attempt = (): Promise<DecodedRevert> => refusalOf(testnet.onL1(claimWithdrawal(testnet.contracts, proven)));
  const early = await attempt();
  mustEqual(early.name ?? early.raw, "NotFinal", "the refusal within the window");
  await until("the forged batch to be final", FINAL_MS, async () => {
    return (await finalFrom(testnet.l1Reader, { header: batch.header, posting }, true)) === undefined;
  });
  return attempt();
}

/** A user of another DAC withdraws as ever. */
async function honestWithdrawal(testnet: Testnet, dac: TestnetDac): Promise<bigint> {
  return withProvider(testnet, dac, async (provider) => {
    const arrived = async () => (await provider.getBalance(testnet.user.address)) >= HONEST_DEPOSIT_WEI;
    await until("the deposit on the other DAC", ELECTED_MS, arrived);
    const receiver = Wallet.createRandom().address;
    const coinbase = new Contract(PREDEPLOYS.coinbase, MVM_COINBASE_ABI, userOn(testnet, provider));
    const sent = await coinbase.getFunction("withdraw")(receiver, { value: HONEST_WITHDRAWAL_WEI });
    const { hash } = await included(provider, sent);
    await claimSent(testnet, dac, { provider, transactionHash: hash });
    return balanceOf(testnet.l1Reader, toAddress(receiver));
  });
}

/** The liar founds its DAC, posts a forged withdrawal, leaves, and claims: why L1 refuses, and after how many seconds. */
async function lie(
  testnet: Testnet,
  dac: TestnetDac,
): Promise<{ readonly refusal: DecodedRevert; readonly secondsUntilFinal: bigint }> {
  const liar = new Liar(testnet);
  await liar.register();
  await testnet.depositFor(dac, DEPOSIT_WEI);
  const message: Message = {
    kind: "withdrawal",
    chainId: dac.chainId,
    nonce: 0n,
    sender: liar.address,
    target: toAddress(Wallet.createRandom().address),
    value: FORGED_WEI,
    data: new Uint8Array(0),
  };
  let blocksRoot: Hash = ZERO_HASH;
  await until("the liar to post", ELECTED_MS, async () => {
    blocksRoot = await postForged(testnet, dac, liar, forgedBlock(message).header);
    return true;
  });
  await liar.onL1.submit(requestExit(testnet.contracts, "sequencer"));
  const posted = await l1Time(testnet);
  const refusal = await refusedClaim(testnet, { dac, blocksRoot }, message);
  return { refusal, secondsUntilFinal: (await l1Time(testnet)) - posted };
}

export const maliciousDacFlow: Flow = {
  name: "malicious-dac",
  text: "a DAC's colluding sequencer forges a withdrawal beyond its deposits: L1 refuses it, other DACs pay as ever",
  size: STAKED_NETWORK,
  async run(testnet) {
    const reader = testnet.l1Reader;
    const [dac, honest] = [
      await testnet.createEmptyDac({ label: "malicious", kind: "free" }),
      await testnet.createEmptyDac({ label: "honest", kind: "free" }),
    ];
    await testnet.depositFor(honest, HONEST_DEPOSIT_WEI);
    const [paid, { refusal, secondsUntilFinal }] = await Promise.all([
      honestWithdrawal(testnet, honest),
      lie(testnet, dac),
    ]);
    mustEqual(refusal.name ?? refusal.raw, "ClaimExceedsDeposits", "the refusal of the forged claim");
    mustEqual(BigInt(refusal.args["consumed"] as bigint), DEPOSIT_WEI, "what the DAC has consumed");
    mustEqual(await lockedMt(reader, dac.chainId), DEPOSIT_WEI, "what is locked for the DAC");
    mustEqual(paid, HONEST_WITHDRAWAL_WEI, "what the user of the other DAC got");
    const left = HONEST_DEPOSIT_WEI - HONEST_WITHDRAWAL_WEI;
    mustEqual(await lockedMt(reader, honest.chainId), left, "what is locked for the other DAC");
    return {
      forgedWei: String(FORGED_WEI),
      consumedWei: String(DEPOSIT_WEI),
      refusal: refusal.name ?? refusal.raw,
      secondsUntilFinal: Number(secondsUntilFinal),
      paidElsewhereWei: String(HONEST_WITHDRAWAL_WEI),
    };
  },
};
