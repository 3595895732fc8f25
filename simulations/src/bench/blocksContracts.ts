/** The contracts that the block benchmarks run: an OpenZeppelin ERC-20 compiled here, Uniswap V2 as its packages carry it. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { concatBytes, fromHex } from "@mvm/protocol";
import { AbiCoder, Interface } from "ethers";
import solc from "solc";

const require = createRequire(import.meta.url);
const packageRoot = (name: string): string => dirname(require.resolve(`${name}/package.json`));

const TOKEN_SOURCE = `// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract BenchToken is ERC20 {
  constructor(string memory name, address holder) ERC20(name, name) { _mint(holder, 1e30); }
}`;

function findImport(path: string): { contents: string } | { error: string } {
  const prefix = "@openzeppelin/contracts/";
  if (!path.startsWith(prefix)) return { error: `no source for ${path}` };
  return { contents: readFileSync(join(packageRoot("@openzeppelin/contracts"), path.slice(prefix.length)), "utf8") };
}

type CompilerOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>
  >;
};

/** Creation code of the token, without its constructor's arguments. Throws on a compiler error. */
export function compileToken(): Uint8Array {
  const input = {
    language: "Solidity",
    sources: { "BenchToken.sol": { content: TOKEN_SOURCE } },
    settings: { optimizer: { enabled: true, runs: 200 }, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport })) as CompilerOutput;
  const fault = output.errors?.find(({ severity }) => severity === "error");
  if (fault !== undefined) throw new Error(fault.formattedMessage);
  return fromHex(`0x${output.contracts!["BenchToken.sol"]!["BenchToken"]!.evm.bytecode.object}`);
}

function uniswapCode(packageName: string, contract: string): Uint8Array {
  const path = join(packageRoot(packageName), "build", `${contract}.json`);
  const { bytecode } = JSON.parse(readFileSync(path, "utf8")) as { bytecode: string };
  return fromHex(bytecode.startsWith("0x") ? bytecode : `0x${bytecode}`);
}

const coder = AbiCoder.defaultAbiCoder();

/** Creation code with constructor arguments behind it. */
export function withArguments(code: Uint8Array, types: readonly string[], values: readonly unknown[]): Uint8Array {
  return concatBytes(code, fromHex(coder.encode(types, values)));
}

export const factoryCode = (): Uint8Array => uniswapCode("@uniswap/v2-core", "UniswapV2Factory");
export const routerCode = (): Uint8Array => uniswapCode("@uniswap/v2-periphery", "UniswapV2Router02");

const tokenAbi = new Interface([
  "function transfer(address to, uint256 amount) returns (bool)",
  "function approve(address spender, uint256 amount) returns (bool)",
  "function balanceOf(address holder) view returns (uint256)",
]);
const routerAbi = new Interface([
  "function addLiquidity(address a, address b, uint256 amountA, uint256 amountB, uint256 minA, uint256 minB, address to, uint256 deadline)",
  "function swapExactTokensForTokens(uint256 amountIn, uint256 minOut, address[] path, address to, uint256 deadline)",
]);

export const tokenCall = (name: "transfer" | "approve" | "balanceOf", values: readonly unknown[]): Uint8Array =>
  fromHex(tokenAbi.encodeFunctionData(name, values));
export const routerCall = (name: "addLiquidity" | "swapExactTokensForTokens", values: readonly unknown[]): Uint8Array =>
  fromHex(routerAbi.encodeFunctionData(name, values));
