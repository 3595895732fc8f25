/**
 * Writes the contracts that every DAC has from its genesis on beside its own predeploys, as they stand on Ethereum's
 * main network: packages/protocol/src/preinstalls/generated/preinstallState.ts. They come from npm packages of exact
 * versions, and prove themselves:
 *   EntryPoint v0.7  its creation code, run by @ethereumjs/vm, lands at its address only if every byte of it is right:
 *                    the deterministic deployment proxy derives the address from the code
 *   Multicall3       code hash, as published for the main network
 *   Permit2          code hash. Its sources, compiled by solc 0.8.17 (via IR, a million runs, no metadata hash), give the
 *                    creation code of hash 0xe2be1e05...6cf0f8 that the proxy puts at Permit2's address (salt
 *                    0x...d3af2663da51c10215000000), and that creation code, run under chain ID 1, leaves this code
 * Usage: node packages/protocol/generatePreinstalls.ts [--check]. With --check nothing is written; exit code 1 if the
 * file differs.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { MerkleStateManager } from "@ethereumjs/statemanager";
import { createAddressFromString } from "@ethereumjs/util";
import { createVM, type VM } from "@ethereumjs/vm";
import { keccak, keccakHash } from "./src/hash.ts";
import { concatBytes, fromHex, toAddress, toHash, toHex, toWord, toWordHex } from "./src/hex.ts";
import { DEPLOYMENT_PROXY } from "./src/preinstalls/publishedCode.ts";
import type { Address, Hash, Hex } from "./src/primitives.ts";

const require = createRequire(import.meta.url);
const target = join(import.meta.dirname, "./src/preinstalls/generated/preinstallState.ts");
const DEPLOYMENT_GAS = 15_000_000n;

const ENTRY_POINT = toAddress("0x0000000071727de22e5e9d8baf0edac6f37da032");
/** Salt of EntryPoint v0.7's deployment. */
const ENTRY_POINT_SALT = toHash("0x90d8084deab30c2a37c45e8d47f49f2f7965183cb6990a98943ef94940681de3");
/** The contract that EntryPoint's constructor creates, its first. */
const SENDER_CREATOR = toAddress("0xefc2c1444ebcc4db75e7613d20c6a62ff67a167c");
const MULTICALL3 = toAddress("0xca11bde05977b3631167028862be2a173976ca11");
const MULTICALL3_CODE_HASH = toHash("0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891");
const PERMIT2 = toAddress("0x000000000022d473030f116ddee9f6b43ac78ba3");
const PERMIT2_CODE_HASH = toHash("0xc67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131");
/** Where Permit2's code holds its two immutables, words both. */
const PERMIT2_CHAIN_ID_AT = 6_945;
const PERMIT2_SEPARATOR_AT = 6_983;

/** An account as the generated file holds it. */
type Generated = {
  readonly name: string;
  readonly address: Address;
  readonly nonce: bigint;
  readonly code: Uint8Array;
  readonly slots: readonly { readonly slot: Hash; readonly value: bigint }[];
};

/** A hex constant of the library Preinstalls of the OP stack. */
function opStackCode(constant: string): Uint8Array {
  const root = dirname(require.resolve("@eth-optimism/contracts-bedrock/package.json"));
  const source = readFileSync(join(root, "src/libraries/Preinstalls.sol"), "utf8");
  const found = new RegExp(`bytes internal constant ${constant} =\\s*hex"([0-9a-f]+)";`).exec(source);
  if (found === null) throw new Error(`no constant ${constant}`);
  return fromHex(`0x${found[1]}`);
}

/** A contract that its constructor left without storage. Throws where the code is not the one of this hash. */
function contractOf(name: string, address: Address, code: Uint8Array, hash: Hash): Generated {
  if (keccakHash(code) !== hash) throw new Error(`${name} has code hash ${keccakHash(code)}, not ${hash}`);
  return { name, address, nonce: 1n, code, slots: [] };
}

/** Permit2's code with the immutables that its constructor computes under chain ID 1. */
function permit2Code(): Uint8Array {
  const name = (text: string): Uint8Array => keccak(new TextEncoder().encode(text));
  const typeHash = name("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
  const separator = keccak(concatBytes(typeHash, name("Permit2"), toWord(1n), toWord(BigInt(PERMIT2))));
  const code = opStackCode("Permit2TemplateCode");
  code.set(toWord(1n), PERMIT2_CHAIN_ID_AT);
  code.set(separator, PERMIT2_SEPARATOR_AT);
  return code;
}

function entryPointCreationCode(): Uint8Array {
  const path = require.resolve("@account-abstraction/contracts/artifacts/EntryPoint.json");
  return fromHex((JSON.parse(readFileSync(path, "utf8")) as { bytecode: Hex }).bytecode);
}

/** A machine of the main network in which nothing is deployed but the proxy. */
async function emptyMainnet(): Promise<VM> {
  const common = createCustomCommon({ chainId: 1 }, Mainnet, { hardfork: Hardfork.Cancun });
  const vm = await createVM({ common, stateManager: new MerkleStateManager({ common }) });
  await vm.stateManager.putCode(createAddressFromString(DEPLOYMENT_PROXY.address), fromHex(DEPLOYMENT_PROXY.code));
  return vm;
}

/** Runs creation code through the proxy; an address that is not the expected one means that the code is not the expected one. */
async function deployByProxy(vm: VM, address: Address, salt: Hex, creationCode: Uint8Array): Promise<void> {
  const { execResult } = await vm.evm.runCall({
    to: createAddressFromString(DEPLOYMENT_PROXY.address),
    data: concatBytes(fromHex(salt), creationCode),
    gasLimit: DEPLOYMENT_GAS,
  });
  const got = toHex(execResult.returnValue);
  if (got !== address) throw new Error(`creation code leads to ${got}, not to ${address}`);
}

async function accountAt(vm: VM, name: string, address: Address): Promise<Generated> {
  const place = createAddressFromString(address);
  const account = await vm.stateManager.getAccount(place);
  const code = await vm.stateManager.getCode(place);
  const slots: { slot: Hash; value: bigint }[] = [];
  // A constructor of these writes no mapping: what it wrote is in the first slots.
  for (let index = 0n; index < 16n; index++) {
    const slot = toWordHex(index);
    const value = await vm.stateManager.getStorage(place, fromHex(slot));
    if (value.length !== 0) slots.push({ slot, value: BigInt(toHex(value)) });
  }
  if (account === undefined || code.length === 0) throw new Error(`${name} has no code`);
  return { name, address, nonce: account.nonce, code, slots };
}

async function generated(): Promise<string> {
  const vm = await emptyMainnet();
  await deployByProxy(vm, ENTRY_POINT, ENTRY_POINT_SALT, entryPointCreationCode());
  const accounts = [
    await accountAt(vm, "EntryPoint", ENTRY_POINT),
    await accountAt(vm, "SenderCreator", SENDER_CREATOR),
    contractOf("Permit2", PERMIT2, permit2Code(), PERMIT2_CODE_HASH),
    contractOf("Multicall3", MULTICALL3, opStackCode("MultiCall3Code"), MULTICALL3_CODE_HASH),
  ];
  const entries = accounts.map(({ name, address, nonce, code, slots }) => {
    const written = slots.map(({ slot, value }) => `{ slot: "${slot}", value: ${value}n }`);
    return [
      "  {",
      `    name: "${name}",`,
      `    address: "${address}",`,
      `    nonce: ${nonce}n,`,
      `    slots: [${written.join(", ")}],`,
      `    code: "${toHex(code)}",`,
      "  },",
    ].join("\n");
  });
  return [
    "// Generated by packages/protocol/generatePreinstalls.ts from npm packages. Do not edit: run `npm run generate`.",
    "",
    "/** Well-known contracts as they stand on Ethereum's main network after their deployment. */",
    "export const PREINSTALL_STATE = [",
    ...entries,
    "] as const;",
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const check = process.argv.includes("--check");
  const expected = await generated();
  mkdirSync(dirname(target), { recursive: true });
  const present = readdirSync(dirname(target)).includes("preinstallState.ts") ? readFileSync(target, "utf8") : "";
  if (present === expected) return;
  process.stderr.write(`${check ? "differs" : "written"}: packages/protocol/src/preinstalls/generated\n`);
  if (check) process.exitCode = 1;
  else writeFileSync(target, expected);
}

await main();
