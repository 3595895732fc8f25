/** Random cases of the engine's fuzzer: everything in one follows from the draw. */
import { type AccessListEntry, type Address, fromHex, toAddress, toWordHex, ZERO_ADDRESS } from "@mvm/protocol";
import { BLOCK_GAS_LIMIT, CHAIN_ID, GENESIS_NUMBER } from "./anvilPeer.ts";
import type { Draw } from "./draw.ts";
import { type CaseAccount, type CaseAuthorization, type CaseTransaction, type EvmCase, SIGNERS } from "./evmCase.ts";
import { PRECOMPILES } from "./evmPrecompileInputs.ts";
import { ProgramWriter } from "./evmPrograms.ts";

const address = (value: bigint): Address => toAddress(`0x${value.toString(16).padStart(40, "0")}`);

const CONTRACTS: readonly Address[] = [0xc0de01n, 0xc0de02n, 0xc0de03n, 0xc0de04n].map(address);
/** The last signer only authorises: what it has may be code, and anvil lets such accounts send (EIP-3607 off). */
const SENDERS = SIGNERS.length - 1;
/** an account without code, one that is absent, the fee recipient, EIP-2935's contract */
const PLAIN = address(0xdead01n);
const ABSENT = address(0xab5e47n);
const FEE_RECIPIENT = address(0xfee0fee0n);
const HISTORY = toAddress("0x0000f90827f1c53a10cb7a02335b175320002935");
const TARGETS: readonly Address[] = [...CONTRACTS, ...CONTRACTS, PLAIN, ABSENT, FEE_RECIPIENT, HISTORY, ...SIGNERS];

const RICH = 10n ** 21n;
const LAST_NONCE = (1n << 64n) - 1n;
/** EIP-7825, EIP-3860 */
const TRANSACTION_GAS_CAP = 16_777_216n;
const INITCODE_BYTES = 49_152;

function storage(draw: Draw): CaseAccount["slots"] {
  return Array.from({ length: draw.below(4) }, (_, slot) => ({
    slot: BigInt(slot),
    value: draw.onceIn(3) ? draw.word() : BigInt(draw.between(1, 2)),
  })).filter(({ value }) => value !== 0n);
}

function delegation(draw: Draw): Uint8Array {
  const code = new Uint8Array(23);
  code.set([0xef, 0x01, 0x00]);
  code.set(fromHex(draw.pick(TARGETS)), 3);
  return code;
}

function signerAccount(draw: Draw, signer: number, writer: ProgramWriter): CaseAccount {
  const isLast = signer === SENDERS;
  const kind = draw.below(isLast ? 4 : 24);
  const code = kind === 0 ? [delegation(draw)] : isLast && kind === 1 ? writer.program(1, 4) : [];
  return {
    address: SIGNERS[signer]!,
    nonce: draw.onceIn(80) ? LAST_NONCE - BigInt(draw.below(3)) : BigInt(draw.between(1, 5)),
    balance: draw.onceIn(12) ? draw.word() & ((1n << 100n) - 1n) : RICH,
    code,
    slots: code.length === 0 ? [] : storage(draw),
  };
}

function accountsOf(draw: Draw, writer: ProgramWriter): CaseAccount[] {
  const contracts = CONTRACTS.map((contract) => ({
    address: contract,
    nonce: draw.onceIn(60) ? LAST_NONCE - BigInt(draw.below(2)) : BigInt(draw.below(3)),
    balance: draw.onceIn(3) ? 0n : BigInt(draw.below(1_000)),
    code: writer.program(1, 14),
    slots: storage(draw),
  }));
  const signers = SIGNERS.map((_, signer) => signerAccount(draw, signer, writer));
  // Mostly funded, so that a call does not leave them standing empty in anvil's trie.
  const funded = draw.onceIn(8) ? [] : [FEE_RECIPIENT, ...PRECOMPILES.map(address)];
  const plain = [PLAIN, ...funded].map((bare) => ({ address: bare, nonce: 0n, balance: 7n, code: [], slots: [] }));
  return [...contracts, ...signers, ...plain];
}

function accessList(draw: Draw): AccessListEntry[] {
  return Array.from({ length: draw.below(4) }, () => ({
    address: draw.pick(TARGETS),
    slots: Array.from({ length: draw.below(4) }, () => toWordHex(BigInt(draw.below(5)))),
  }));
}

function authorization(draw: Draw): CaseAuthorization {
  return {
    signer: draw.below(SIGNERS.length),
    chainId: draw.weighted([
      [6, CHAIN_ID],
      [3, 0n],
      [1, CHAIN_ID + 1n],
    ]),
    address: draw.onceIn(6) ? ZERO_ADDRESS : draw.onceIn(8) ? address(BigInt(draw.between(1, 9))) : draw.pick(TARGETS),
    nonceShift: draw.weighted([
      [6, 0n],
      [4, 1n],
      [1, 2n],
      [1, -1n],
    ]),
    isForeign: draw.onceIn(10),
  };
}

function gasLimit(draw: Draw): bigint {
  const kind = draw.below(100);
  if (kind < 70) return BigInt(draw.between(200_000, 2_000_000));
  if (kind < 87) return BigInt(draw.between(21_000, 150_000));
  if (kind < 90) return BigInt(draw.between(0, 30_000));
  if (kind < 94) return BigInt(draw.between(2_000_000, 6_000_000));
  if (kind < 97) return TRANSACTION_GAS_CAP;
  return draw.pick([TRANSACTION_GAS_CAP + 1n, BLOCK_GAS_LIMIT + 1n, 1n << 40n]);
}

/** Wei per gas: mostly enough, now and then below the base fee or with a tip above the whole. */
function fees(draw: Draw, type: number, baseFee: bigint): { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint } {
  const tip = BigInt(draw.below(4));
  const maxFeePerGas = draw.onceIn(40) ? baseFee - 1n : baseFee + BigInt(draw.below(20));
  if (type < 2) return { maxFeePerGas, maxPriorityFeePerGas: maxFeePerGas };
  return { maxFeePerGas, maxPriorityFeePerGas: draw.onceIn(40) ? maxFeePerGas + 1n : tip };
}

function initcode(draw: Draw, writer: ProgramWriter): Uint8Array[] {
  if (!draw.onceIn(60)) return [...writer.program(1, 8)];
  return [new Uint8Array(INITCODE_BYTES + draw.below(2))];
}

function transaction(draw: Draw, writer: ProgramWriter, baseFee: bigint): CaseTransaction {
  const type = draw.weighted([
    [3, 0 as const],
    [2, 1 as const],
    [4, 2 as const],
    [3, 4 as const],
  ]);
  const to = type !== 4 && draw.onceIn(5) ? null : draw.onceIn(5) ? draw.pick(TARGETS) : draw.pick(CONTRACTS);
  return {
    type,
    signer: draw.below(SENDERS),
    to,
    nonceShift: draw.onceIn(40) ? draw.pick([-1n, 1n, 7n]) : 0n,
    gasLimit: gasLimit(draw),
    ...fees(draw, type, baseFee),
    value: draw.weighted([
      [9, 0n],
      [6, BigInt(draw.below(5))],
      [1, draw.word()],
    ]),
    data: to === null ? initcode(draw, writer) : [draw.bytes(draw.onceIn(2) ? 0 : draw.below(100))],
    accessList: type === 0 ? [] : accessList(draw),
    authorizations: type === 4 ? Array.from({ length: draw.between(1, 3) }, () => authorization(draw)) : [],
  };
}

/** A random world with one to four transactions upon it. */
export function randomCase(draw: Draw): EvmCase {
  const writer = new ProgramWriter(draw, TARGETS.map(BigInt), GENESIS_NUMBER);
  const baseFeePerGas = draw.pick([7n, 10n, 1_000n]);
  const feeRecipient = draw.onceIn(6) ? draw.pick(TARGETS) : FEE_RECIPIENT;
  const accounts = accountsOf(draw, writer);
  const count = draw.between(1, 4);
  const transactions = Array.from({ length: count }, () => transaction(draw, writer, baseFeePerGas));
  return { baseFeePerGas, feeRecipient, accounts, transactions };
}
