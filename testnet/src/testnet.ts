/** A whole network on this machine: L1, contracts, one process for each node, DACs, a funded user. */
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  approve,
  chainIdOfLabel,
  createDac,
  deployContracts,
  deployParametersOf,
  depositMt,
  type L1Addresses,
  type L1Call,
  L1Submitter,
  operatorsPage,
  transferMt,
} from "@mvm/l1";
import { initNode, type Role, readPasswordFile } from "@mvm/node";
import { type Address, type ChainId, PROFILES, toAddress } from "@mvm/protocol";
import { type HDNodeWallet, JsonRpcProvider, toQuantity, Wallet } from "ethers";
import { type Anvil, L1_CHAIN_ID, startAnvil } from "./anvil.ts";
import { type CharterKind, charterOf } from "./charters.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import type { RunDirectory } from "./runDirectory.ts";
import { sendTogether } from "./sendTogether.ts";
import { until } from "./until.ts";

export type TestnetSize = {
  readonly sequencers: number;
  readonly providers: number;
  readonly storage: number;
  readonly dacs: number;
  /** whole MT that the sequencers sign up with, in their order; those beyond the list with SEQUENCER_STAKE_MT */
  readonly sequencerStakesMT?: readonly number[];
  /** settings of the sequencers beside their defaults */
  readonly sequencerSettings?: Readonly<Record<string, unknown>>;
  /** whether an account of the run may convict batches, in place of the contract of the fraud proofs; else nobody may */
  readonly withConvictor?: boolean;
};

export const DEFAULT_SIZE: TestnetSize = { sequencers: 2, providers: 4, storage: 4, dacs: 2 };

export type TestnetNode = Pick<Planned, "program" | "onLine"> & {
  readonly name: string;
  readonly role: Role;
  readonly dataDir: string;
  readonly operator: Address;
  /** whole MT, where its role takes a stake other than the least */
  readonly stakeMT: number;
  process: RunningProcess;
};

export type TestnetDac = {
  readonly label: string;
  readonly chainId: ChainId;
  readonly url: string;
  readonly charter: CharterKind;
};

/** A node that is to be started. */
type Planned = {
  readonly name: string;
  readonly role: Role;
  readonly stakeMT?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** program that runs it, with arguments that come before that of the data directory; default: `mvm start` */
  readonly program?: readonly string[];
  /** takes each line of JSON that it prints */
  readonly onLine?: (line: Readonly<Record<string, unknown>>) => void;
};
type Prepared = Pick<Planned, "program" | "onLine"> & {
  readonly name: string;
  readonly role: Role;
  readonly dataDir: string;
  readonly operator: Address;
  readonly stakeMT: number;
};
/** A DAC that is to be created, with MT for the user. */
type PlannedDac = { readonly label: string; readonly kind: CharterKind; readonly depositWei?: bigint };
/** One that is created, before a gateway is known, and what is on the way to it. */
type Founded = { readonly dac: Omit<TestnetDac, "url">; readonly depositWei: bigint };

/** Accounts that send transfers side by side. */
const SENDERS = 8;
/** Number of an account that is nobody else's. */
const CONVICTOR = 3 + SENDERS;
/** Until a node is ready, and registered: what a dozen need that are started at once, on two cores, beside another dozen. */
const NODE_READY_MS = 150_000;
const REGISTERED_MS = 150_000;
/** Until a deposit is there: two epochs pass before blocks may take it, and a slot's leader may be gone. */
const DAC_READY_MS = 90_000;
const PROFILE = "devnet";
const SUPPLY_WEI = 10n ** 27n;
const OPERATOR_ETHER_WEI = 10n ** 20n;
const DEPOSIT_WEI = 10n ** 21n;
/** Covers the deposits of many DACs: a stake counts once over all of them. */
const SEQUENCER_STAKE_MT = 100_000;
/** Whole MT that the providers sign up with, in turn: different ones, so that draws by stake can be told from others. */
const PROVIDER_STAKES_MT = [100, 200, 300];
/** What nodes have compiled, for the next run: half of what starting them takes. */
const COMPILE_CACHE = join(import.meta.dirname, "../../node_modules/.cache/mvm-testnet");

/** The command. */
export const MVM = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
const MVM_START = [MVM, "start", "--with-parent", "--json"];

type Ready = { readonly operator: Address; readonly addresses: readonly string[]; readonly gateway: string | null };

function readyIn(line: string, onLine: Planned["onLine"]): Ready | undefined {
  if (!line.startsWith("{")) return undefined;
  const value = JSON.parse(line) as { ready?: boolean };
  onLine?.(value);
  return value.ready === true ? (value as unknown as Ready) : undefined;
}

export class Testnet {
  readonly run: RunDirectory;
  readonly anvil: Anvil;
  readonly contracts: L1Addresses;
  readonly networkFile: string;
  /** opens the keys of every node of the run */
  readonly passwordFile: string;
  readonly nodes: TestnetNode[] = [];
  readonly dacs: TestnetDac[] = [];
  /** an ordinary user: owns MT and ether on L1, MT on every DAC */
  readonly user: HDNodeWallet;
  /** accounts that send for the user; with it the members that charters name */
  readonly senders: readonly HDNodeWallet[];
  /** an account that charters shut out */
  readonly outsider: HDNodeWallet;
  /** may convict batches where the network was started so */
  readonly convictor: HDNodeWallet;
  readonly #userOnL1: L1Submitter;
  readonly #stop = new AbortController();
  #gateway = "";

  private constructor(options: Pick<Testnet, "run" | "anvil" | "contracts" | "networkFile" | "passwordFile">) {
    this.run = options.run;
    this.passwordFile = options.passwordFile;
    this.anvil = options.anvil;
    this.contracts = options.contracts;
    this.networkFile = options.networkFile;
    this.user = options.anvil.wallet(1);
    this.outsider = options.anvil.wallet(2);
    this.convictor = options.anvil.wallet(CONVICTOR);
    this.senders = Array.from({ length: SENDERS }, (_, i) => options.anvil.wallet(3 + i));
    this.#userOnL1 = new L1Submitter({
      transport: options.anvil.provider,
      l1ChainId: BigInt(L1_CHAIN_ID),
      wallet: new Wallet(this.user.privateKey),
      signal: this.#stop.signal,
    });
  }

  /**
   * Starts everything of a size; what was started is stopped again when a step fails.
   * @param charters of the DACs, in turn
   */
  static async start(
    run: RunDirectory,
    size: TestnetSize,
    report: (step: string) => void,
    charters: readonly CharterKind[] = ["free"],
  ): Promise<Testnet> {
    report("starting L1");
    const anvil = await startAnvil(run, { blockTimeSeconds: 1 });
    let testnet: Testnet | null = null;
    try {
      report("deploying contracts");
      const founder = anvil.wallet(0);
      const parameters = {
        ...deployParametersOf(PROFILES[PROFILE], toAddress(founder.address), SUPPLY_WEI),
        ...(size.withConvictor === true && { disputes: await fundedConvictor(anvil) }),
      };
      const { addresses, firstBlock } = await deployContracts({ signer: founder, parameters });
      const networkFile = join(run.path, "network.json");
      const network = {
        version: 11,
        profile: PROFILE,
        l1ChainId: String(L1_CHAIN_ID),
        deployedAtBlock: Number(firstBlock),
        contracts: addresses,
      };
      await writeFile(networkFile, `${JSON.stringify(network, null, 2)}\n`);
      const passwordFile = join(run.path, "password");
      await writeFile(passwordFile, `${randomBytes(16).toString("hex")}\n`, { mode: 0o600 });
      testnet = new Testnet({ run, anvil, contracts: addresses, networkFile, passwordFile });
      await testnet.#grow(size, report, charters);
      return testnet;
    } catch (error) {
      if (testnet === null) await anvil.process.stop();
      else await testnet.stop();
      throw error;
    }
  }

  /** Everything that need not wait for something else goes on at the same time: what is slow are epochs, not processes. */
  async #grow(size: TestnetSize, report: (step: string) => void, charters: readonly CharterKind[]): Promise<void> {
    report("starting nodes");
    const planned: Planned[] = [];
    const add = (role: Role, count: number): void => {
      for (let i = 1; i <= count; i++) {
        const stakeMT =
          role === "provider"
            ? PROVIDER_STAKES_MT[(i - 1) % PROVIDER_STAKES_MT.length]
            : role === "sequencer"
              ? size.sequencerStakesMT?.[i - 1]
              : undefined;
        const settings = role === "sequencer" ? size.sequencerSettings : undefined;
        planned.push({
          name: `${role}-${i}`,
          role,
          ...(stakeMT !== undefined && { stakeMT }),
          ...(settings && { settings }),
        });
      }
    };
    add("storage", size.storage);
    add("sequencer", size.sequencers);
    add("provider", size.providers);
    add("gateway", 1);
    const prepared = await Promise.all(planned.map((node) => this.#prepare(node)));
    await this.#fund(prepared.filter(({ role }) => role !== "gateway").map(({ operator }) => operator));
    const starting = prepared.map((node) => this.#startNode(node));
    try {
      const labels = Array.from({ length: size.dacs }, (_, i) => (size.dacs === 1 ? "demo" : `demo-${i + 1}`));
      const dacs = labels.map((label, i) => ({ label, kind: charters[i % charters.length]! }));
      const [created] = await Promise.all([this.#foundDacs(dacs, size, report), ...starting]);
      await this.#untilDeposited(created);
    } finally {
      await Promise.allSettled(starting);
    }
  }

  async #prepare({ name, role, stakeMT = SEQUENCER_STAKE_MT, settings, ...how }: Planned): Promise<Prepared> {
    const dataDir = join(this.run.path, name);
    await mkdir(dataDir, { recursive: true });
    const made = await initNode({
      dataDir,
      networkFile: this.networkFile,
      l1Url: this.anvil.url,
      roles: [role],
      bootstrap: [],
      password: () => readPasswordFile(this.passwordFile),
      // anvil takes the proof of a whole blob, which is much cheaper to compute than those of its cells
      settings: {
        blobProofs: "blob",
        ...(role === "sequencer" && { sequencerStakeMT: stakeMT, signersDir: join(this.run.path, "signers") }),
        ...(role === "provider" && { providerStakeMT: stakeMT }),
        ...settings,
      },
    });
    const { program, onLine } = how;
    const operator = made["operator"] as Address;
    return { name, role, dataDir, operator, stakeMT, ...(program && { program }), ...(onLine && { onLine }) };
  }

  /** Ether for gas and MT for stakes, all transactions in flight at once. */
  async #fund(operators: readonly Address[]): Promise<void> {
    const gifts = operators.flatMap((operator) => [
      { to: operator, value: OPERATOR_ETHER_WEI },
      transferMt(this.contracts, operator, BigInt(SEQUENCER_STAKE_MT) * 10n ** 18n),
    ]);
    const gift = transferMt(this.contracts, toAddress(this.user.address), SUPPLY_WEI / 100n);
    await sendTogether(this.anvil.wallet(0), [gift, ...gifts]);
  }

  /** Starts one more node, with ether and MT of its own. */
  async addNode(planned: Planned): Promise<TestnetNode> {
    const prepared = await this.#prepare(planned);
    await this.#fund([prepared.operator]);
    return this.#startNode(prepared);
  }

  async #startNode(prepared: Prepared): Promise<TestnetNode> {
    const { process, ready } = await this.#spawn(prepared);
    if (ready.gateway !== null) this.#gateway = ready.gateway;
    const node = { ...prepared, process };
    this.nodes.push(node);
    return node;
  }

  #spawn({
    name,
    dataDir,
    program = MVM_START,
    onLine,
  }: Pick<Prepared, "name" | "dataDir" | "program" | "onLine">): Promise<{ process: RunningProcess; ready: Ready }> {
    return startProcess<Ready>({
      name,
      command: process.execPath,
      args: [...program, "--data", dataDir],
      logFile: join(this.run.path, `${name}.log`),
      env: { NODE_COMPILE_CACHE: COMPILE_CACHE, MVM_PASSWORD_FILE: this.passwordFile },
      timeoutMs: NODE_READY_MS,
      ready: (line) => readyIn(line, onLine),
      onPid: this.run.addChild,
    });
  }

  get gatewayUrl(): string {
    return this.#gateway;
  }

  /** Starts a node again that was stopped or killed, from its own disk. */
  async restart(node: TestnetNode): Promise<void> {
    const { process, ready } = await this.#spawn(node);
    node.process = process;
    if (ready.gateway !== null) this.#gateway = ready.gateway;
  }

  /** Sends a transaction on L1 as the user. */
  onL1(call: L1Call): ReturnType<L1Submitter["submit"]> {
    return this.#userOnL1.submit(call);
  }

  /** Founds DACs while nodes start: as soon as the hosts are there to be drawn, and the bonds that deposits need. */
  async #foundDacs(
    planned: readonly PlannedDac[],
    size: TestnetSize,
    report: (step: string) => void,
  ): Promise<readonly Founded[]> {
    const approvals = (["comco", "bridge"] as const).map((spender) => approve(this.contracts, spender, SUPPLY_WEI));
    await sendTogether(this.user, approvals);
    await until("every storage host and sequencer to be registered", REGISTERED_MS, async () => {
      const [hosts, sequencers] = await Promise.all([
        operatorsPage(this.l1Reader, "storage", 0n),
        operatorsPage(this.l1Reader, "sequencer", 0n),
      ]);
      return hosts.length >= size.storage && sequencers.length >= size.sequencers;
    });
    report("creating DACs");
    return this.#found(planned);
  }

  /** Creates DACs: the transactions all in flight at once. */
  async #create(planned: readonly PlannedDac[]): Promise<readonly Founded[]> {
    await sendTogether(
      this.user,
      planned.map((dac) => this.#creationOf(dac)),
    );
    return Promise.all(
      planned.map(async ({ label, kind, depositWei = DEPOSIT_WEI }) => {
        const chainId = await this.#chainIdOf(label);
        return { dac: { label, chainId, charter: kind }, depositWei };
      }),
    );
  }

  /** Creates DACs and deposits MT for the user on each: the transactions of a kind all in flight at once. */
  async #found(planned: readonly PlannedDac[]): Promise<readonly Founded[]> {
    const created = await this.#create(planned);
    const to = toAddress(this.user.address);
    const deposits = created.map(({ dac, depositWei }) =>
      depositMt(this.contracts, { chainId: dac.chainId, to, amountWei: depositWei }),
    );
    await sendTogether(this.user, deposits);
    return created;
  }

  #creationOf({ label, kind }: PlannedDac): L1Call {
    const members = [this.user, ...this.senders].map(({ address }) => toAddress(address));
    const charter = charterOf(kind, { members, outsider: toAddress(this.outsider.address) });
    return createDac(this.contracts, { label, charter, storageUnits: 1 });
  }

  async #chainIdOf(label: string): Promise<ChainId> {
    const chainId = await chainIdOfLabel(this.l1Reader, label);
    if (chainId === undefined) throw new Error(`L1 knows no DAC ${label} after its creation`);
    return chainId;
  }

  #known(dac: Omit<TestnetDac, "url">): TestnetDac {
    const known = { ...dac, url: `${this.gatewayUrl}/dac/${dac.label}` };
    this.dacs.push(known);
    return known;
  }

  #untilDeposited(founded: readonly Founded[]): Promise<readonly TestnetDac[]> {
    return Promise.all(
      founded.map(async ({ dac, depositWei }) => {
        const known = this.#known(dac);
        await this.#awaitDeposit(known, depositWei);
        return known;
      }),
    );
  }

  async #awaitDeposit(dac: TestnetDac, depositWei: bigint): Promise<void> {
    const provider = this.providerOf(dac);
    try {
      await until(
        `the deposit on ${dac.label}`,
        DAC_READY_MS,
        async () => (await provider.getBalance(this.user.address)) >= depositWei,
      );
    } finally {
      provider.destroy();
    }
  }

  /** Creates a DAC, deposits MT for the user, and waits until the user has it there. */
  async createDac(planned: PlannedDac): Promise<TestnetDac> {
    const { label, kind, depositWei = DEPOSIT_WEI } = planned;
    const dac = await this.createEmptyDac({ label, kind });
    await this.depositFor(dac, depositWei);
    await this.#awaitDeposit(dac, depositWei);
    return dac;
  }

  /** Does the same for several DACs at once, while nobody else sends as the user. */
  async createDacs(planned: readonly PlannedDac[]): Promise<readonly TestnetDac[]> {
    return this.#untilDeposited(await this.#found(planned));
  }

  /** Deposits MT for the user's account on a DAC; does not wait until they are there. */
  async depositFor(dac: TestnetDac, amountWei: bigint): Promise<void> {
    const to = toAddress(this.user.address);
    await this.onL1(depositMt(this.contracts, { chainId: dac.chainId, to, amountWei }));
  }

  /** Creates a DAC without any MT. Its fee was approved when the network was started, as what its deposits take. */
  async createEmptyDac({ label, kind }: Omit<PlannedDac, "depositWei">): Promise<TestnetDac> {
    await this.onL1(this.#creationOf({ label, kind }));
    return this.#known({ label, chainId: await this.#chainIdOf(label), charter: kind });
  }

  /** Creates several at once, while nobody else sends as the user; they are not among `dacs`, for who is there has MT to spend. */
  async createEmptyDacs(planned: readonly Omit<PlannedDac, "depositWei">[]): Promise<void> {
    await this.#create(planned);
  }

  /** An ethers provider on a DAC. */
  providerOf(dac: TestnetDac): JsonRpcProvider {
    return new JsonRpcProvider(dac.url, Number(dac.chainId), { staticNetwork: true, pollingInterval: 250 });
  }

  /** MT locked for a DAC etc. are read through this. */
  get l1Reader(): { transport: JsonRpcProvider; addresses: L1Addresses } {
    return { transport: this.anvil.provider, addresses: this.contracts };
  }

  /** Stops every process that was started here, L1 last. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.nodes.map((node) => node.process.stop()));
    this.anvil.provider.destroy();
    await this.anvil.process.stop();
  }
}

async function fundedConvictor(anvil: Anvil): Promise<Address> {
  const { address } = anvil.wallet(CONVICTOR);
  await anvil.provider.send("anvil_setBalance", [address, toQuantity(OPERATOR_ETHER_WEI)]);
  return toAddress(address);
}
