/** A whole network on this machine: L1, contracts, one process for each node, DACs, a funded user. */
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
  transferMt,
} from "@mvm/l1";
import { initNode, type Role } from "@mvm/node";
import { type Address, type ChainId, PROFILES, toAddress } from "@mvm/protocol";
import { type HDNodeWallet, JsonRpcProvider, NonceManager, Wallet } from "ethers";
import { type Anvil, L1_CHAIN_ID, startAnvil } from "./anvil.ts";
import { type CharterKind, charterOf } from "./charters.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import type { RunDirectory } from "./runDirectory.ts";
import { until } from "./until.ts";

export type TestnetSize = {
  readonly sequencers: number;
  readonly providers: number;
  readonly storage: number;
  readonly dacs: number;
};

export const DEFAULT_SIZE: TestnetSize = { sequencers: 2, providers: 4, storage: 4, dacs: 2 };

export type TestnetNode = {
  readonly name: string;
  readonly role: Role;
  readonly dataDir: string;
  readonly operator: Address;
  process: RunningProcess;
};

export type TestnetDac = {
  readonly label: string;
  readonly chainId: ChainId;
  readonly url: string;
  readonly charter: CharterKind;
};

/** Accounts that send transfers side by side. */
const SENDERS = 8;
const NODE_READY_MS = 60_000;
const DAC_READY_MS = 60_000;
const PROFILE = "devnet";
const SUPPLY_WEI = 10n ** 27n;
const OPERATOR_ETHER_WEI = 10n ** 20n;
const DEPOSIT_WEI = 10n ** 21n;

type Ready = { readonly operator: Address; readonly addresses: readonly string[]; readonly gateway: string | null };

function readyIn(line: string): Ready | undefined {
  if (!line.startsWith("{")) return undefined;
  const value = JSON.parse(line) as { ready?: boolean };
  return value.ready === true ? (value as unknown as Ready) : undefined;
}

export class Testnet {
  readonly run: RunDirectory;
  readonly anvil: Anvil;
  readonly contracts: L1Addresses;
  readonly networkFile: string;
  readonly nodes: TestnetNode[] = [];
  readonly dacs: TestnetDac[] = [];
  /** an ordinary user: owns MT and ether on L1, MT on every DAC */
  readonly user: HDNodeWallet;
  /** accounts that send for the user; with it the members that charters name */
  readonly senders: readonly HDNodeWallet[];
  /** an account that charters shut out */
  readonly outsider: HDNodeWallet;
  readonly #userOnL1: L1Submitter;
  readonly #stop = new AbortController();
  #gateway = "";

  private constructor(options: { run: RunDirectory; anvil: Anvil; contracts: L1Addresses; networkFile: string }) {
    this.run = options.run;
    this.anvil = options.anvil;
    this.contracts = options.contracts;
    this.networkFile = options.networkFile;
    this.user = options.anvil.wallet(1);
    this.outsider = options.anvil.wallet(2);
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
      const parameters = deployParametersOf(PROFILES[PROFILE], toAddress(founder.address), SUPPLY_WEI);
      const { addresses, firstBlock } = await deployContracts({ signer: founder, parameters });
      const networkFile = join(run.path, "network.json");
      const network = {
        version: 1,
        profile: PROFILE,
        l1ChainId: String(L1_CHAIN_ID),
        deployedAtBlock: Number(firstBlock),
        contracts: addresses,
      };
      await writeFile(networkFile, `${JSON.stringify(network, null, 2)}\n`);
      testnet = new Testnet({ run, anvil, contracts: addresses, networkFile });
      await testnet.#grow(size, report, charters);
      return testnet;
    } catch (error) {
      if (testnet === null) await anvil.process.stop();
      else await testnet.stop();
      throw error;
    }
  }

  async #grow(size: TestnetSize, report: (step: string) => void, charters: readonly CharterKind[]): Promise<void> {
    report("starting nodes");
    const wanted: { name: string; role: Role }[] = [];
    const add = (role: Role, count: number): void => {
      for (let i = 1; i <= count; i++) wanted.push({ name: `${role}-${i}`, role });
    };
    add("storage", size.storage);
    add("sequencer", size.sequencers);
    add("provider", size.providers);
    const prepared = await Promise.all(
      [...wanted, { name: "gateway-1", role: "gateway" as const }].map((node) => this.#prepare(node)),
    );
    await this.#fund(prepared.filter(({ role }) => role !== "gateway").map(({ operator }) => operator));
    await Promise.all(prepared.map((node) => this.#startNode(node)));
    report("creating DACs");
    await Promise.all(
      Array.from({ length: size.dacs }, (_, i) =>
        this.createDac(size.dacs === 1 ? "demo" : `demo-${i + 1}`, charters[i % charters.length]!),
      ),
    );
  }

  async #prepare({
    name,
    role,
  }: {
    name: string;
    role: Role;
  }): Promise<{ name: string; role: Role; dataDir: string; operator: Address }> {
    const dataDir = join(this.run.path, name);
    await mkdir(dataDir, { recursive: true });
    const made = await initNode({
      dataDir,
      networkFile: this.networkFile,
      l1Url: this.anvil.url,
      roles: [role],
      bootstrap: [],
    });
    return { name, role, dataDir, operator: made["operator"] as Address };
  }

  /** Ether for gas and MT for stakes, all transactions in flight at once. */
  async #fund(operators: readonly Address[]): Promise<void> {
    const founder = new NonceManager(this.anvil.wallet(0));
    const gift = transferMt(this.contracts, toAddress(this.user.address), SUPPLY_WEI / 100n);
    const sent = [await founder.sendTransaction({ to: gift.to, data: gift.data })];
    for (const operator of operators) {
      const { to, data } = transferMt(this.contracts, operator, PROFILES[PROFILE].minSequencerStakeWei);
      sent.push(
        await founder.sendTransaction({ to: operator, value: OPERATOR_ETHER_WEI }),
        await founder.sendTransaction({ to, data }),
      );
    }
    await Promise.all(sent.map((transaction) => transaction.wait()));
  }

  async #startNode(prepared: { name: string; role: Role; dataDir: string; operator: Address }): Promise<TestnetNode> {
    const { process, ready } = await this.#spawn(prepared);
    if (ready.gateway !== null) this.#gateway = ready.gateway;
    const node = { ...prepared, process };
    this.nodes.push(node);
    return node;
  }

  #spawn({ name, dataDir }: { name: string; dataDir: string }): Promise<{ process: RunningProcess; ready: Ready }> {
    const main = join(import.meta.dirname, "../../packages/cli/bin/mvm.js");
    return startProcess<Ready>({
      name,
      command: process.execPath,
      args: [main, "start", "--data", dataDir, "--with-parent", "--json"],
      logFile: join(this.run.path, `${name}.log`),
      env: { NODE_COMPILE_CACHE: join(this.run.path, "compile-cache") },
      timeoutMs: NODE_READY_MS,
      ready: readyIn,
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

  /** Creates a DAC, deposits MT for the user, and waits until the user has it there. */
  async createDac(label: string, kind: CharterKind): Promise<TestnetDac> {
    const members = [this.user, ...this.senders].map(({ address }) => toAddress(address));
    const charter = charterOf(kind, { members, outsider: toAddress(this.outsider.address) });
    await this.onL1(createDac(this.contracts, { label, charter }));
    const chainId = await chainIdOfLabel({ transport: this.anvil.provider, addresses: this.contracts }, label);
    if (chainId === undefined) throw new Error(`L1 knows no DAC ${label} after its creation`);
    const dac = { label, chainId, url: `${this.gatewayUrl}/dac/${label}`, charter: kind };
    await this.onL1(approve(this.contracts, "bridge", SUPPLY_WEI));
    await this.onL1(depositMt(this.contracts, { chainId, to: toAddress(this.user.address), amountWei: DEPOSIT_WEI }));
    const provider = this.providerOf(dac);
    try {
      await until(
        `the deposit on ${label}`,
        DAC_READY_MS,
        async () => (await provider.getBalance(this.user.address)) >= DEPOSIT_WEI,
      );
    } finally {
      provider.destroy();
    }
    this.dacs.push(dac);
    return dac;
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
