/**
 * An L1 with the network's contracts, to post batches on: anvil with the gas cap of EIP-7825, mainnet's parameters,
 * sequencers of one stake that came one after the other, and DACs with MT, so that each has a threshold.
 */
import {
  approve,
  chainIdOfLabel,
  createDac,
  deployContracts,
  deployParametersOf,
  depositMt,
  type L1Addresses,
  type L1Reader,
  L1Submitter,
  missingRecord,
  register,
  type SignUp,
  transferMt,
} from "@mvm/l1";
import {
  type Address,
  blsKeyFromSeed,
  type ChainId,
  type Charter,
  epochOf,
  firstBlockOf,
  keccak,
  PROFILES,
  provePeerPossession,
  provePossession,
  SNAPSHOT_DISTANCE,
  toAddress,
  toHex,
  ZERO_ADDRESS,
} from "@mvm/protocol";
import { JsonRpcProvider, Network, toQuantity, Wallet } from "ethers";
import { startAnvil } from "./anvilProcess.ts";

export const L1_CHAIN_ID = 31_337n;
/** no period of locks (7 days) ends in the hours after it */
const START_SECONDS = 1_800_000_000;
const L1_BLOCK_GAS = 60_000_000;
const PARAMETERS = PROFILES.mainnet;
const MT = 10n ** 18n;
const BALANCE_WEI = 10n ** 24n;
const SUPPLY_WEI = 10n ** 9n * MT;
const STAKE_WEI = 50_000n * MT;
const DEPOSIT_WEI = 100n * MT;
/** so many epochs the draws remember; their words are all in use in a network that has lived for a while */
const HISTORY_EPOCHS = 4;
const POLL_MS = 5;
/** Of all its DACs. */
export const CHARTER: Charter = {
  vision: "",
  mission: "",
  permissions: [],
  taxRates: [],
  managementContract: ZERO_ADDRESS,
};

const seedOf = (name: string): Uint8Array => keccak(new TextEncoder().encode(`batch ${name}`));

/** What an operator shows of itself to a registry of the network, with keys of its name. */
export function signUpOf(name: string, registry: Address, operator: Address): SignUp {
  const key = blsKeyFromSeed(seedOf(`${name} bls`));
  const claim = { l1ChainId: L1_CHAIN_ID, registry, operator };
  const peer = provePeerPossession(seedOf(`${name} peer`), claim);
  return { blsPublicKey: key.publicKey, possession: provePossession(key, claim), peer, multiaddr: Uint8Array.of(1) };
}

/** The network as it stands in a slot that is recorded. */
export type BatchNetwork = {
  readonly provider: JsonRpcProvider;
  readonly reader: L1Reader;
  readonly dacs: readonly ChainId[];
  /** who carries batches to L1, and is no sequencer */
  readonly carrier: Wallet;
  readonly sequencers: ReadonlyMap<Address, Wallet>;
  /** Goes to the first block of the next slot and takes its record. */
  beginSlot(): Promise<bigint>;
  /** Ends anvil. */
  stop(): Promise<void>;
};

/** Everything that the set-up works with. */
class SetUp {
  readonly provider: JsonRpcProvider;
  readonly #submitters = new Map<string, L1Submitter>();
  readonly #signal: AbortSignal;
  addresses!: L1Addresses;

  constructor(url: string, signal: AbortSignal) {
    const network = Network.from(L1_CHAIN_ID);
    this.provider = new JsonRpcProvider(url, network, {
      staticNetwork: network,
      cacheTimeout: -1,
      batchStallTime: 0,
      pollingInterval: POLL_MS,
    });
    this.#signal = signal;
  }

  async wallet(name: string): Promise<Wallet> {
    const wallet = new Wallet(toHex(seedOf(name)), this.provider);
    await this.provider.send("anvil_setBalance", [wallet.address, toQuantity(BALANCE_WEI)]);
    return wallet;
  }

  submitterOf(wallet: Wallet): L1Submitter {
    const known = this.#submitters.get(wallet.address);
    if (known !== undefined) return known;
    const options = { transport: this.provider, l1ChainId: L1_CHAIN_ID, wallet, signal: this.#signal, pollMs: POLL_MS };
    const submitter = new L1Submitter(options);
    this.#submitters.set(wallet.address, submitter);
    return submitter;
  }

  async register(holder: L1Submitter, name: string): Promise<Wallet> {
    const wallet = await this.wallet(name);
    const operator = toAddress(wallet.address);
    const submitter = this.submitterOf(wallet);
    await holder.submit(transferMt(this.addresses, operator, STAKE_WEI));
    await submitter.submit(approve(this.addresses, "bondManager", STAKE_WEI));
    const signUp = signUpOf(name, this.addresses.sequencerPool, operator);
    await submitter.submit(register(this.addresses, "sequencer", { signUp, stakeWei: STAKE_WEI }));
    return wallet;
  }

  async createDac(holder: L1Submitter, label: string): Promise<ChainId> {
    await holder.submit(createDac(this.addresses, { label, charter: CHARTER, storageUnits: 1 }));
    const chainId = await chainIdOfLabel({ transport: this.provider, addresses: this.addresses }, label);
    if (chainId === undefined) throw new Error(`no DAC ${label}`);
    await holder.submit(depositMt(this.addresses, { chainId, to: holder.address, amountWei: DEPOSIT_WEI }));
    return chainId;
  }

  /** Mines to the last block before an epoch. */
  async mineBefore(epoch: bigint): Promise<void> {
    const missing = firstBlockOf(epoch, PARAMETERS.epochBlocks) - 1n - BigInt(await this.provider.getBlockNumber());
    if (missing > 0n) await this.provider.send("anvil_mine", [toQuantity(missing)]);
  }
}

/** Starts the network; the next slot is one for which all sequencers and deposits count. */
export async function startBatchNetwork(size: {
  readonly dacs: number;
  readonly sequencers: number;
}): Promise<BatchNetwork> {
  const flags = {
    "--chain-id": L1_CHAIN_ID,
    "--gas-limit": L1_BLOCK_GAS,
    "--timestamp": START_SECONDS,
    "--accounts": 1,
  };
  const options = Object.entries(flags).flatMap(([name, value]) => [name, String(value)]);
  const anvil = await startAnvil([...options, "--enable-tx-gas-limit"]);
  const ending = new AbortController();
  const setUp = new SetUp(anvil.url, ending.signal);
  const stop = async (): Promise<void> => {
    ending.abort();
    setUp.provider.destroy();
    await anvil.stop();
  };
  try {
    const carrier = await setUp.wallet("carrier");
    const parameters = deployParametersOf(PARAMETERS, toAddress(carrier.address), SUPPLY_WEI);
    setUp.addresses = (await deployContracts({ signer: carrier, parameters })).addresses;
    const holder = setUp.submitterOf(carrier);
    await holder.submit(approve(setUp.addresses, "comco", SUPPLY_WEI));
    await holder.submit(approve(setUp.addresses, "bridge", SUPPLY_WEI));
    const sequencers = new Map<Address, Wallet>();
    const epochNow = async (): Promise<bigint> =>
      epochOf(BigInt(await setUp.provider.getBlockNumber()), PARAMETERS.epochBlocks);
    const perEpoch = Math.ceil(size.sequencers / HISTORY_EPOCHS);
    for (let i = 0; i < size.sequencers; i++) {
      if (i !== 0 && i % perEpoch === 0) await setUp.mineBefore((await epochNow()) + 1n);
      const wallet = await setUp.register(holder, `sequencer ${i}`);
      sequencers.set(toAddress(wallet.address), wallet);
    }
    const dacs: ChainId[] = [];
    for (let i = 0; i < size.dacs; i++) dacs.push(await setUp.createDac(holder, `small-${i}`));
    const reader = { transport: setUp.provider, addresses: setUp.addresses };
    await setUp.mineBefore((await epochNow()) + SNAPSHOT_DISTANCE);
    const beginSlot = async (): Promise<bigint> => {
      const slot = (await epochNow()) + 1n;
      await setUp.mineBefore(slot);
      const record = await missingRecord(reader, slot, PARAMETERS.epochBlocks);
      if (record !== undefined) await holder.submit(record);
      return slot;
    };
    return { provider: setUp.provider, reader, dacs, carrier, sequencers, beginSlot, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
