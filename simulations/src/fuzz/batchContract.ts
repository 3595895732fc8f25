/** BatchDecoder.sol, compiled here and executed by the engine: the second reader of the batch format. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Engine } from "@mvm/evm";
import {
  type Address,
  type BlockEnvironment,
  fromHex,
  HEADER_CONSTANTS,
  type Hex,
  keccakHash,
  LIMITS,
  toAddress,
  ZERO_ADDRESS,
  ZERO_HASH,
} from "@mvm/protocol";
import { Interface, type Result } from "ethers";
import solc from "solc";
import { ethereumEngine } from "../ethereumEngine.ts";
import { MemoryState } from "../memoryState.ts";

const require = createRequire(import.meta.url);
const CONTRACTS = join(import.meta.dirname, "../../../contracts");
const HARNESS = "test/base/BatchDecoderHarness.sol";
const LIBRARY = "@openzeppelin/contracts/";
const PLACE = toAddress("0x00000000000000000000000000000000000ba7c4");

const ENVIRONMENT: BlockEnvironment = {
  timestamp: 1_800_000_000n,
  baseFeePerGas: 0n,
  gasLimit: LIMITS.transactionGas,
  prevRandao: ZERO_HASH,
  feeRecipient: HEADER_CONSTANTS.beneficiary,
};

const CONTEXT =
  "tuple(uint64 timestamp, uint64 slot, uint32 queueItems, bytes32 randomness, bytes32 evidence, address sequencer, bool byPoster, uint256 work, uint256 seated, uint32[] providers, uint256 transactionCount)";
const abi = new Interface([
  "function origin(bytes data) view returns (uint8, uint256, uint256, uint256)",
  `function contextAt(bytes data, uint256 block) view returns (uint8, ${CONTEXT})`,
  "function queueItemsOf(bytes data, uint256 blocks) view returns (uint8, uint256)",
  "function transactionAt(bytes data, uint256 block, uint256 position, address[] resolved) view returns (uint8, bytes, uint256[])",
  "function referencesAt(bytes data, uint256 block, uint256 position) view returns (uint8, uint256[], address[])",
  "function contextGroupFault(bytes data, uint256 group) view returns (uint8)",
  "function rowGroupFault(bytes data, uint256 group) view returns (uint8)",
]);

function findImport(path: string): { contents: string } {
  const file = path.startsWith(LIBRARY)
    ? join(dirname(require.resolve(`${LIBRARY}package.json`)), path.slice(LIBRARY.length))
    : join(CONTRACTS, path);
  return { contents: readFileSync(file, "utf8") };
}

type CompilerOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly deployedBytecode: { readonly object: string } } }>
  >;
};

/** Runtime code of the harness, compiled as foundry.toml says. Throws on a compiler error. */
function compileHarness(): Uint8Array {
  const input = {
    language: "Solidity",
    sources: { [HARNESS]: findImport(HARNESS) },
    settings: {
      evmVersion: "osaka",
      optimizer: { enabled: true, runs: 10_000 },
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const sources = { [HARNESS]: { content: input.sources[HARNESS]!.contents } };
  const output = JSON.parse(
    solc.compile(JSON.stringify({ ...input, sources }), { import: findImport }),
  ) as CompilerOutput;
  const fault = output.errors?.find(({ severity }) => severity === "error");
  if (fault !== undefined) throw new Error(fault.formattedMessage);
  return fromHex(`0x${output.contracts![HARNESS]!["BatchDecoderHarness"]!.evm.deployedBytecode.object}`);
}

/** The contract's answers: the first is the code of a fault, 0 for none; null: the call failed. */
export type BatchContract = {
  readonly ask: (name: string, args: readonly unknown[]) => Promise<Result | null>;
};

class ExecutedContract implements BatchContract {
  readonly #engine: Engine;
  readonly #state: MemoryState;

  constructor(engine: Engine, code: Uint8Array) {
    this.#engine = engine;
    this.#state = new MemoryState({ number: 1n, chainId: 1n, blockHash: () => ZERO_HASH });
    const codeHash = keccakHash(code);
    this.#state.codes.set(codeHash, code);
    this.#state.accounts.set(PLACE, { nonce: 1n, balance: 0n, codeHash });
  }

  async ask(name: string, args: readonly unknown[]): Promise<Result | null> {
    const message = {
      type: 2,
      from: ZERO_ADDRESS,
      to: PLACE as Address,
      nonce: 0n,
      gasLimit: LIMITS.transactionGas,
      maxFeePerGas: 0n,
      maxPriorityFeePerGas: 0n,
      value: 0n,
      data: fromHex(abi.encodeFunctionData(name, args) as Hex),
      accessList: [],
      authorizations: [],
      l1Fee: 0n,
    } as const;
    const { status, returnData } = await this.#engine.call(ENVIRONMENT, message, this.#state);
    return status === 0 ? null : abi.decodeFunctionResult(name, returnData);
  }
}

/** Compiles the contract and puts it into an engine; some seconds. */
export async function batchContract(): Promise<BatchContract> {
  return new ExecutedContract(await ethereumEngine("osaka"), compileHarness());
}
