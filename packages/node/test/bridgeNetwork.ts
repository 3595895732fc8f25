/** The contracts on anvil, a DAC whose blocks are made of plain writes, and a gateway that answers for it in memory. */
import {
  appendBatches,
  chainIdOfLabel,
  depositMt,
  headOf,
  type L1Submitter,
  queueLength,
  randomnessOf,
  type StandingBatch,
  standingBatches,
} from "@mvm/l1";
import {
  type AccountWrite,
  type Address,
  type BatchHeader,
  batchDigest,
  type ChainId,
  EMPTY_TRIE_ROOT,
  fromHex,
  genesisAccount,
  genesisWrites,
  type Hash,
  HEADER_CONSTANTS,
  type Header,
  hashHeader,
  type Message,
  merkleRoot,
  messageHash,
  PREDEPLOYS,
  sentSlot,
  signDigest,
  toHex,
  ZERO_HASH,
} from "@mvm/protocol";
import { accountPath, NodeMap, slotPath, WorldState } from "@mvm/state";
import { Interface, toQuantity } from "ethers";
import {
  beginNextDraw,
  createDacNamed,
  fund,
  nextHeader,
  registerFor,
  startNetwork,
  type TestNetwork,
} from "../../l1/test/network.ts";
import type { BridgeSource, ClaimSender, GatewayTransport } from "../src/index.ts";

const MESSAGES = new Interface([
  "event MessageSent(bytes32 indexed messageHash, address indexed sender, address indexed target, uint8 kind, uint256 nonce, uint256 value, bytes data)",
]);

/** A DAC's blocks and states; a transaction for each message, named by the message's hash. */
class Ledger {
  readonly headers: Header[] = [];
  readonly #state = new WorldState(new NodeMap(), EMPTY_TRIE_ROOT);
  readonly #nodes = new NodeMap();
  readonly #sent = new Map<Hash, { readonly message: Message; readonly blockNumber: bigint }>();
  readonly codes = new Map<Address, Uint8Array>();

  constructor() {
    this.#state.applyWrites(genesisWrites());
  }

  /** A block with these writes, in which these messages were sent. */
  seal(messages: readonly Message[], writes: readonly AccountWrite[] = []): void {
    const number = BigInt(this.headers.length + 1);
    const slots = messages.map((message) => ({ slot: sentSlot(messageHash(message)), value: 1n }));
    const account = { ...genesisAccount(PREDEPLOYS.l2ToL1)!, balance: number };
    this.#state.applyWrites([{ address: PREDEPLOYS.l2ToL1, account, code: null, slots }, ...writes]);
    for (const { encoded } of this.#state.unstoredNodes()) this.#nodes.add(encoded);
    for (const message of messages) this.#sent.set(messageHash(message), { message, blockNumber: number });
    for (const { address, code } of writes) if (code !== null) this.codes.set(address, code);
    this.headers.push({
      parentHash: this.headers.length === 0 ? ZERO_HASH : hashHeader(this.headers.at(-1)!),
      stateRoot: this.#state.root(),
      transactionsRoot: ZERO_HASH,
      receiptsRoot: ZERO_HASH,
      logsBloom: new Uint8Array(256),
      number,
      gasUsed: 0n,
      timestamp: 1_900_000_000n + number,
      checkpointsRoot: ZERO_HASH,
      withdrawalsRoot: this.#state.storageRootOf(PREDEPLOYS.l2ToL1),
      prevRandao: ZERO_HASH,
      baseFeePerGas: 1n,
    });
  }

  receipt(transactionHash: Hash): unknown {
    const sent = this.#sent.get(transactionHash);
    if (sent === undefined) return null;
    const { kind, nonce, sender, target, value, data } = sent.message;
    const values = [transactionHash, sender, target, kind === "withdrawal" ? 1 : 0, nonce, value, data];
    const log = MESSAGES.encodeEventLog("MessageSent", values);
    return { blockNumber: toQuantity(sent.blockNumber), logs: [{ address: PREDEPLOYS.l2ToL1, ...log }] };
  }

  block(number: bigint): unknown {
    const header = this.headers[Number(number) - 1];
    if (header === undefined) return null;
    const { logsBloom, number: own, gasUsed, timestamp, checkpointsRoot, prevRandao, baseFeePerGas, ...roots } = header;
    const quantities = { number: own, gasUsed, timestamp, baseFeePerGas };
    return {
      ...Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, toQuantity(value)])),
      ...roots,
      logsBloom: toHex(logsBloom),
      extraData: checkpointsRoot,
      mixHash: prevRandao,
      gasLimit: toQuantity(HEADER_CONSTANTS.gasLimit),
    };
  }

  proof(address: Address, slots: readonly Hash[], number: bigint): unknown {
    const account = accountPath(this.#nodes, this.headers[Number(number) - 1]!.stateRoot, address);
    const root = account.value?.storageRoot ?? EMPTY_TRIE_ROOT;
    return {
      accountProof: account.nodes.map(toHex),
      storageProof: slots.map((key) => {
        const { value, nodes } = slotPath(this.#nodes, root, key);
        return { key, value: toQuantity(value), proof: nodes.map(toHex) };
      }),
    };
  }
}

export type BridgeNetwork = {
  readonly network: TestNetwork;
  readonly chainId: ChainId;
  readonly ledger: Ledger;
  /** the gateway: what it answers honestly */
  readonly l2: GatewayTransport;
  readonly source: BridgeSource;
  /** account 3 of anvil, which brings claims */
  readonly sender: ClaimSender;
  /** posts all sealed blocks that are not on L1 yet as one batch, which consumes what the queue had when the slot was drawn */
  post(): Promise<BatchHeader>;
  /** deposits MT for an account of anvil's */
  deposit(amountWei: bigint, to: Address): Promise<void>;
  /** lets the window of everything that was posted run out */
  finalise(): Promise<void>;
  /** a new slot, from which on all that is in the queue now is consumable */
  passSlots(): Promise<void>;
  standing(): Promise<readonly StandingBatch[]>;
};

const WINDOW_SECONDS = 121;

export async function startBridge(): Promise<BridgeNetwork> {
  const network = await startNetwork();
  const { anvil, addresses, reader, accounts, firstBlock: deployedAtBlock } = network;
  await registerFor(network, accounts[1]!, "sequencer");
  await createDacNamed(network, "acme");
  const chainId = (await chainIdOfLabel(reader, "acme"))!;
  const ledger = new Ledger();
  const identity = { l1ChainId: anvil.l1ChainId, comco: addresses.comco };
  const sequencerKey = fromHex(anvil.wallets[1]!.privateKey);
  const number = (value: unknown): bigint => BigInt(value as string);
  const l2: GatewayTransport = {
    send: async (method, params) => {
      const [first, second, third] = params as unknown[];
      if (method === "eth_getTransactionReceipt") return ledger.receipt(first as Hash);
      if (method === "eth_getBlockByNumber") return ledger.block(number(first));
      if (method === "eth_getProof") return ledger.proof(first as Address, second as Hash[], number(third));
      if (method === "eth_getCode") return toHex(ledger.codes.get(first as Address) ?? new Uint8Array(0));
      throw new Error(`no ${method} here`);
    },
  };
  const place = { l1: reader, chainId, deployedAtBlock };
  const passSlots = async (): Promise<void> => {
    await beginNextDraw(network);
  };
  const post = async (): Promise<BatchHeader> => {
    const { lastBlock } = await headOf(reader, chainId);
    const data = new TextEncoder().encode(`blocks from ${lastBlock + 1n}`);
    const blocks = ledger.headers.slice(Number(lastBlock));
    const header = {
      ...(await nextHeader(network, chainId, data, BigInt(blocks.length))),
      blocksRoot: merkleRoot(blocks.map(hashHeader)),
      queueEnd: await queueLength(reader, chainId),
    };
    const signature = signDigest(sequencerKey, batchDigest(identity, await randomnessOf(reader, header.slot), header));
    await accounts[4]!.submit(appendBatches(addresses, [{ header, data, signature }]));
    return header;
  };
  return {
    network,
    chainId,
    ledger,
    l2,
    source: { ...place, l2 },
    sender: { l1: reader, deployedAtBlock, submitter: accounts[3] as L1Submitter },
    post,
    deposit: async (amountWei, to) => {
      await fund(network, accounts[2]!, "bridge", amountWei);
      await accounts[2]!.submit(depositMt(addresses, { chainId, to, amountWei }));
    },
    finalise: async () => {
      await anvil.provider.send("evm_increaseTime", [WINDOW_SECONDS]);
      await anvil.mine(1);
    },
    passSlots,
    standing: () => standingBatches(reader, { chainId, downTo: 1n, fromBlock: deployedAtBlock }),
  };
}
