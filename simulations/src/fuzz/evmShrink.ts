/** The ways to make a case of the engine's fuzzer smaller. */
import { bytesToBigInt } from "@mvm/protocol";
import {
  type CaseAccount,
  type CaseTransaction,
  type EvmCase,
  type Instruction,
  type Program,
  SIGNERS,
} from "./evmCase.ts";
import { push } from "./evmPrograms.ts";
import { listsWithSmaller, shorterLists } from "./shrink.ts";

const PLAIN_GAS_LIMIT = 1_000_000n;
const PLAIN_FEE = 1_000n;
const PLAIN_BALANCE = 10n ** 21n;
const FIRST_PUSH = 0x60;
const LAST_PUSH = 0x7f;

function* smallerNumbers(value: bigint): Generator<bigint> {
  if (value > 0n) yield 0n;
  if (value > 1n) yield 1n;
  if (value > 3n) yield value / 2n;
}

/** A PUSH of something smaller; only at its own width, so that what else the code says of itself stays true. */
function* smallerInstructions(instruction: Instruction): Generator<Instruction> {
  const [opcode] = instruction;
  if (opcode === undefined || opcode < FIRST_PUSH || opcode > LAST_PUSH) return;
  const width = instruction.length - 1;
  for (const value of smallerNumbers(bytesToBigInt(instruction.subarray(1)))) yield push(value, width);
}

function* smallerPrograms(program: Program): Generator<Program> {
  yield* shorterLists(program);
  yield* listsWithSmaller(program, smallerInstructions);
}

function* smallerAccounts(account: CaseAccount): Generator<CaseAccount> {
  for (const code of smallerPrograms(account.code))
    if (code.length !== 0 || account.slots.length === 0 || account.nonce !== 0n) yield { ...account, code };
  for (const slots of shorterLists(account.slots)) yield { ...account, slots };
  if (account.balance > 0n && account.balance < PLAIN_BALANCE && account.nonce !== 0n)
    yield { ...account, balance: 0n };
}

function* smallerTransactions(transaction: CaseTransaction): Generator<CaseTransaction> {
  const { type, gasLimit, maxFeePerGas, maxPriorityFeePerGas, accessList, authorizations, value } = transaction;
  if (type === 4) yield { ...transaction, type: 2, authorizations: [] };
  if (type === 2) yield { ...transaction, type: 1, maxPriorityFeePerGas: maxFeePerGas };
  if (type === 1) yield { ...transaction, type: 0, accessList: [] };
  if (authorizations.length > 1)
    for (const fewer of shorterLists(authorizations))
      if (fewer.length !== 0) yield { ...transaction, authorizations: fewer };
  for (const fewer of shorterLists(accessList)) yield { ...transaction, accessList: fewer };
  for (const fewer of smallerNumbers(value)) yield { ...transaction, value: fewer };
  if (transaction.nonceShift !== 0n) yield { ...transaction, nonceShift: 0n };
  if (gasLimit !== PLAIN_GAS_LIMIT) yield { ...transaction, gasLimit: PLAIN_GAS_LIMIT };
  if (maxFeePerGas !== PLAIN_FEE)
    yield { ...transaction, maxFeePerGas: PLAIN_FEE, maxPriorityFeePerGas: type < 2 ? PLAIN_FEE : 0n };
  if (type >= 2 && maxPriorityFeePerGas !== 0n) yield { ...transaction, maxPriorityFeePerGas: 0n };
  for (const data of smallerPrograms(transaction.data)) yield { ...transaction, data };
}

/**
 * Smaller cases, the boldest first: fewer transactions, fewer accounts, shorter code, plainer values. Signers stay:
 * anvil takes an absent authority for an empty one that exists.
 */
export function* smallerCases(evmCase: EvmCase): Generator<EvmCase> {
  const { transactions, accounts } = evmCase;
  for (const fewer of shorterLists(transactions)) if (fewer.length !== 0) yield { ...evmCase, transactions: fewer };
  const isNeeded = ({ address }: CaseAccount): boolean => SIGNERS.includes(address);
  const [signers, others] = [accounts.filter(isNeeded), accounts.filter((account) => !isNeeded(account))];
  for (const fewer of shorterLists(others)) yield { ...evmCase, accounts: [...signers, ...fewer] };
  for (const smaller of listsWithSmaller(accounts, smallerAccounts)) yield { ...evmCase, accounts: smaller };
  for (const smaller of listsWithSmaller(transactions, smallerTransactions))
    yield { ...evmCase, transactions: smaller };
}
