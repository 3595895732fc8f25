/** Compiles one contract of contracts/ as forge does (contracts/foundry.toml). */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { InterfaceAbi } from "ethers";

const CONTRACTS = join(import.meta.dirname, "../../contracts");

type Code = { readonly object: string };
export type Compiled = {
  readonly abi: InterfaceAbi;
  readonly evm: { readonly bytecode: Code; readonly deployedBytecode: Code };
};

/**
 * @param source path in contracts/ of the file that has the contract's name
 * @throws Error with what the compiler says
 */
export function compileContract(source: string): Compiled {
  const contract = basename(source, ".sol");
  const input = {
    language: "Solidity",
    sources: { [source]: { content: readFileSync(join(CONTRACTS, source), "utf8") } },
    settings: {
      evmVersion: "osaka",
      metadata: { bytecodeHash: "none", appendCBOR: false },
      optimizer: { enabled: true, runs: 10_000 },
      remappings: ["@openzeppelin/=../node_modules/@openzeppelin/", "solady/=../node_modules/solady/src/"],
      outputSelection: { [source]: { [contract]: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  };
  const arguments_ = [join(CONTRACTS, "bin/solc"), "--standard-json", "--base-path", CONTRACTS];
  const options = { input: JSON.stringify(input), maxBuffer: 64 * 1024 * 1024, encoding: "utf8" } as const;
  const output = JSON.parse(execFileSync(process.execPath, arguments_, options)) as {
    readonly contracts?: { readonly [path: string]: { readonly [contract: string]: Compiled } };
  };
  const compiled = output.contracts?.[source]?.[contract];
  if (compiled === undefined) throw new Error(`${contract} does not compile: ${JSON.stringify(output)}`);
  return compiled;
}
