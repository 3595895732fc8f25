import {
  appendBatches,
  approve,
  createDac,
  deployContracts,
  deployParametersOf,
  getHeader,
  headOf,
  isRecorded,
  type L1Addresses,
  type L1Call,
  L1Error,
  type L1Event,
  L1Follower,
  type L1FollowerOptions,
  type L1Reader,
  L1Submitter,
  type L1Transport,
  recordEpoch,
  register,
  type SignedBatch,
  STAKE_HOLDER_OF_ROLE,
  type StakedRole,
  sequencerOf,
  transferMt,
} from "@mvm/l1";
import {
  type Address,
  type BatchHeader,
  batchDigest,
  blsKeyFromSeed,
  type ChainId,
  type Charter,
  drawBlockOf,
  epochRandomness,
  firstBlockOf,
  fromHex,
  type Hash,
  type Hex,
  keccakHash,
  PROFILES,
  provePeerPossession,
  provePossession,
  toAddress,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { concat, encodeBase58, SigningKey, toQuantity, type Wallet } from "ethers";
import { type Anvil, startAnvil } from "./anvil.ts";

export const MT = 10n ** 18n;
export const { epochBlocks: EPOCH_BLOCKS } = PROFILES.devnet;
/** What one sequencer, provider or host stakes. */
export const STAKE_WEI = 1_000n * MT;
export const CHARTER: Charter = {
  vision: "to be useful",
  mission: "by being tested",
  permissions: [{ addresses: [toAddress(`0x${"a1".repeat(20)}`)], operation: "deny", opcode: "SELFDESTRUCT" }],
  taxRates: [{ threshold: MT, rate: 250 }],
  managementContract: ZERO_ADDRESS,
};
/** Account that may convict batches, in place of the contract of the fraud proofs. */
export const DISPUTES = 9;
const WAIT_MS = 30_000;
const LOOK_MS = 10;

/** Deployed contracts on a fresh anvil, and a submitter for each of its funded accounts. */
export type TestNetwork = {
  readonly anvil: Anvil;
  readonly addresses: L1Addresses;
  readonly firstBlock: bigint;
  readonly reader: L1Reader;
  readonly accounts: readonly L1Submitter[];
  /** of the epochs that were recorded here */
  readonly randomness: Map<bigint, Hash>;
  stop(): Promise<void>;
};

export function submitterOf(
  anvil: Anvil,
  wallet: Wallet,
  signal: AbortSignal,
  transport: L1Transport = anvil.provider,
): L1Submitter {
  return new L1Submitter({ transport, l1ChainId: anvil.l1ChainId, wallet, signal, pollMs: 10 });
}

export async function startNetwork(): Promise<TestNetwork> {
  const anvil = await startAnvil();
  const ending = new AbortController();
  const signer = anvil.wallets[0]!;
  const disputes = toAddress(anvil.wallets[DISPUTES]!.address);
  const parameters = {
    ...deployParametersOf(PROFILES.devnet, toAddress(signer.address), 10n ** 9n * MT),
    disputes,
  };
  const { addresses, firstBlock } = await deployContracts({ signer, parameters });
  const accounts = anvil.wallets.map((wallet) => submitterOf(anvil, wallet, ending.signal));
  await accounts[0]!.submit(approve(addresses, "comco", 10n ** 6n * MT));
  const stop = async (): Promise<void> => {
    ending.abort();
    await anvil.stop();
  };
  const reader = { transport: anvil.provider, addresses };
  return { anvil, addresses, firstBlock, reader, accounts, randomness: new Map(), stop };
}

/** Gives MT to an account and lets a contract pull them. */
export async function fund(
  network: TestNetwork,
  account: L1Submitter,
  spender: keyof L1Addresses,
  amountWei: bigint,
): Promise<void> {
  await network.accounts[0]!.submit(transferMt(network.addresses, account.address, amountWei));
  await account.submit(approve(network.addresses, spender, amountWei));
}

export const blsKeyOf = (operator: Address) => blsKeyFromSeed(fromHex(`0x${operator.slice(2).repeat(2)}`));

/** The secret of an operator's peer key. */
export const peerSecretOf = (operator: Address): Uint8Array => fromHex(keccakHash(fromHex(operator)));

/** What L1 shows of an operator that signed up by signUpOf. */
export const registrationOf = (operator: Address) => ({
  blsPublicKey: blsKeyOf(operator).publicKey,
  peerId: encodeBase58(concat(["0x002508021221", SigningKey.computePublicKey(peerSecretOf(operator), true)])),
  multiaddr: new TextEncoder().encode("/ip4/127.0.0.1/tcp/4001"),
});

/** A registration with its proofs of possession. */
export function signUpOf(network: TestNetwork, role: StakedRole, operator: Address) {
  const claim = { l1ChainId: network.anvil.l1ChainId, registry: network.addresses[REGISTRIES[role]], operator };
  const { peerId: _derived, ...shown } = registrationOf(operator);
  const peer = provePeerPossession(peerSecretOf(operator), claim);
  return { ...shown, peer, possession: provePossession(blsKeyOf(operator), claim) };
}

export const REGISTRIES = {
  sequencer: "sequencerPool",
  provider: "providerRegistry",
  storage: "storageRegistry",
} as const;

export async function registerFor(network: TestNetwork, account: L1Submitter, role: StakedRole): Promise<void> {
  await fund(network, account, STAKE_HOLDER_OF_ROLE[role], STAKE_WEI);
  const signUp = signUpOf(network, role, account.address);
  await account.submit(register(network.addresses, role, { signUp, stakeWei: STAKE_WEI }));
}

export const dacNamed = (label: string) => ({ label, charter: CHARTER, storageUnits: 1 });

export async function createDacNamed(network: TestNetwork, label: string): Promise<void> {
  await network.accounts[0]!.submit(createDac(network.addresses, dacNamed(label)));
}

/** Mines up to a block. */
export async function mineTo(network: TestNetwork, number: bigint): Promise<void> {
  const head = await headNumber(network.anvil);
  if (number > head) await network.anvil.mine(Number(number - head));
}

/** Takes the record of an epoch whose draw block is there. */
export async function record(network: TestNetwork, epoch: bigint): Promise<void> {
  const header = await getHeader(network.anvil.provider, drawBlockOf(epoch, EPOCH_BLOCKS));
  if (header === undefined) throw new RangeError(`epoch ${epoch} is not drawn yet`);
  await network.accounts[0]!.submit(recordEpoch(network.addresses, { epoch, header }));
  const block = toQuantity(drawBlockOf(epoch, EPOCH_BLOCKS));
  const { mixHash } = await network.anvil.provider.send("eth_getBlockByNumber", [block, false]);
  network.randomness.set(epoch, epochRandomness(epoch, mixHash));
}

/** Goes to the beginning of a slot, by default the next one, and takes its record, which is the slot's first block. */
export async function beginSlot(network: TestNetwork, slot?: bigint): Promise<bigint> {
  const next = slot ?? (await headNumber(network.anvil)) / BigInt(EPOCH_BLOCKS) + 1n;
  await mineTo(network, firstBlockOf(next, EPOCH_BLOCKS) - 1n);
  await record(network, next);
  return next;
}

/** Goes to the first slot that draws from what is registered now. */
export async function beginNextDraw(network: TestNetwork): Promise<bigint> {
  return beginSlot(network, (await headNumber(network.anvil)) / BigInt(EPOCH_BLOCKS) + 2n);
}

/** The slot of the next L1 block, recorded. */
export async function recordedSlot(network: TestNetwork): Promise<bigint> {
  const slot = ((await headNumber(network.anvil)) + 1n) / BigInt(EPOCH_BLOCKS);
  if (await isRecorded(network.reader, slot)) return slot;
  await record(network, slot);
  return recordedSlot(network);
}

/** Header of the chain's next batch by whoever leads the next L1 block's slot. */
export async function nextHeader(
  network: TestNetwork,
  chainId: ChainId,
  data: Uint8Array,
  blocks = 5n,
): Promise<BatchHeader> {
  const slot = await recordedSlot(network);
  const head = await headOf(network.reader, chainId);
  return {
    chainId,
    generation: head.generation,
    index: head.nextIndex,
    previousBatchHash: head.lastBatchHash,
    firstBlock: head.lastBlock + 1n,
    lastBlock: head.lastBlock + blocks,
    blobHash: ZERO_HASH,
    dataHash: keccakHash(data),
    blocksRoot: keccakHash(Uint8Array.of(1)),
    transactionsRoot: keccakHash(Uint8Array.of(2)),
    queueEnd: head.queueEnd,
    slot,
    poster: await sequencerOf(network.reader, { chainId, slot, rank: 0 }),
  };
}

/** The batch with the signature of its poster, an account of the network. */
export function signed(
  network: TestNetwork,
  header: BatchHeader,
  data: Uint8Array,
  shown: Pick<SignedBatch, "nextItem" | "firstItem"> = {},
): SignedBatch {
  const wallet = network.anvil.wallets[network.accounts.indexOf(accountOf(network, header.poster))]!;
  const identity = { l1ChainId: network.anvil.l1ChainId, comco: network.addresses.comco };
  const randomness = network.randomness.get(header.slot) ?? ZERO_HASH;
  const { r, s, yParity } = wallet.signingKey.sign(batchDigest(identity, randomness, header));
  return { header, data, signature: `${r}${s.slice(2)}0${yParity}` as Hex, ...shown };
}

/** Has the chain's next batch carried to L1; gives back its header. */
export async function postNext(network: TestNetwork, chainId: ChainId, data: Uint8Array): Promise<BatchHeader> {
  const header = await nextHeader(network, chainId, data);
  await network.accounts[0]!.submit(appendBatches(network.addresses, [signed(network, header, data)]));
  return header;
}

export function accountOf(network: TestNetwork, address: Address): L1Submitter {
  const account = network.accounts.find((candidate) => candidate.address === address);
  if (account === undefined) throw new RangeError(`no account ${address}`);
  return account;
}

/** All that a follower tells of L1 as it stands. */
export async function everythingTold(network: TestNetwork): Promise<Recorder> {
  const { addresses, firstBlock, anvil } = network;
  const recorder = new Recorder({ transport: anvil.provider, addresses, fromBlock: firstBlock });
  await recorder.untilBlock(await headNumber(anvil));
  await recorder.stop();
  return recorder;
}

/** Name of the custom error by which L1 refuses a call; undefined where it takes it. */
export async function refusalOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof L1Error) || error.code !== "reverted") throw error;
    return error.data.revert?.name ?? "unnamed";
  }
}

/** Runs a follower, which reads the data of all batches unless said, and keeps what it tells; waits are bounded and on a condition. */
export class Recorder {
  readonly events: L1Event[] = [];
  readonly follower: L1Follower;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: Omit<L1FollowerOptions, "onEvent">) {
    const onEvent = (event: L1Event): void => void this.events.push(event);
    this.follower = new L1Follower({ pollMs: 10, dataOf: () => true, ...options, onEvent });
    this.#running = this.follower.run(this.#ending.signal);
    this.#running.catch(() => undefined);
  }

  ofType<T extends L1Event["type"]>(type: T): readonly Extract<L1Event, { type: T }>[] {
    return this.events.filter((event): event is Extract<L1Event, { type: T }> => event.type === type);
  }

  async until(condition: () => boolean): Promise<void> {
    const met = Promise.withResolvers<void>();
    const look = (): void => {
      if (condition()) met.resolve();
    };
    const interval = setInterval(look, LOOK_MS);
    const timer = setTimeout(() => {
      const seen = this.events.map(({ type }) => type).join(" ");
      met.reject(new Error(`condition not met: ${condition}; seen: ${seen.slice(-2_000)}`));
    }, WAIT_MS);
    try {
      await Promise.race([met.promise, this.#running.then(() => undefined)]);
    } finally {
      clearTimeout(timer);
      clearInterval(interval);
    }
  }

  async untilBlock(number: bigint): Promise<void> {
    await this.until(() => this.follower.nextBlock > number);
  }

  /** The error that ended the follower, or undefined if the abort did. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  /** How the follower ends by itself. */
  get ended(): Promise<void> {
    return this.#running;
  }
}

export async function headNumber(anvil: Anvil): Promise<bigint> {
  return BigInt((await anvil.provider.send("eth_blockNumber", [])) as string);
}

export async function blockHash(anvil: Anvil, number: bigint): Promise<Hash> {
  const block = (await anvil.provider.send("eth_getBlockByNumber", [`0x${number.toString(16)}`, false])) as {
    hash: Hash;
  };
  return block.hash;
}

/** A transport whose answers a test replaces; what `replace` leaves undefined goes to L1. */
export function tampered(
  transport: L1Transport,
  replace: (method: string, params: unknown[], honest: () => Promise<unknown>) => Promise<unknown> | undefined,
): L1Transport {
  return {
    send: (method, params) => {
      const honest = (): Promise<unknown> => transport.send(method, params);
      return replace(method, params as unknown[], honest) ?? honest();
    },
  };
}

/**
 * Creation code of a contract that makes one call: its calldata is the receiver (20 bytes) and the receiver's calldata.
 * 60 1d 80 60 09 5f 39 5f f3 returns the 29 bytes of runtime code, which copy the calldata beyond byte 20 to memory,
 * CALL, and revert if that fails.
 */
export const FORWARDER_CREATION_CODE = "0x601d8060095f395ff3601436038060145f375f5f825f5f5f3560601c5af1601b575f5ffd5b00";

/** The call, made through a forwarder. */
export const through = (forwarder: Address, call: L1Call): L1Call => ({
  to: forwarder,
  data: `0x${call.to.slice(2)}${call.data.slice(2)}`,
  action: `forwarded ${call.action}`,
});
