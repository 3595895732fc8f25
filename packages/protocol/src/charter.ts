/**
 * A DAC's charter: what its founder writes, and whether L1 will take it. contracts/src/CharterRules.sol gives the same
 * verdicts; a test compares (design page 10, "Charter").
 */
import { PSEUDO_OPERATIONS, type TaxBracket } from "./charterLayout.ts";
import { keccak } from "./hash.ts";
import { toAddress, toHex } from "./hex.ts";
import { LIMITS } from "./parameters.ts";
import { type Address, ZERO_ADDRESS } from "./primitives.ts";

/** What a rule does with its opcode: `allow` leaves it to the listed signers alone, `deny` takes it from them. */
export const OPERATIONS = ["allow", "deny"] as const;
export type Operation = (typeof OPERATIONS)[number];

/** One rule. */
export type Permission = {
  /** signers; none in an allow rule: nobody may */
  readonly addresses: readonly Address[];
  readonly operation: Operation;
  /** a name of OPCODES */
  readonly opcode: string;
};

/** A DAC's settings. */
export type Charter = {
  /** at most CHARTER_LIMITS.statementBytes in UTF-8, as the mission */
  readonly vision: string;
  readonly mission: string;
  readonly permissions: readonly Permission[];
  /** thresholds in wei ascending, rates in basis points */
  readonly taxRates: readonly TaxBracket[];
  /** account on the DAC that may change the charter; the zero address: nobody may */
  readonly managementContract: Address;
};

/** Bounds of a charter. */
export const CHARTER_LIMITS = {
  /** bytes of vision and of mission */
  statementBytes: 2_048,
  rules: 64,
  /** addresses over all rules of a founding charter */
  foundingAddresses: 256,
  /** addresses of one rule after the founding */
  ruleAddresses: 1_024,
  taxBrackets: LIMITS.charterTaxBrackets,
  /** basis points of a rate */
  rate: 10_000,
  /** every threshold is below, wei */
  thresholdBound: 1n << 112n,
} as const;

const numbered = (stem: string, first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `${stem}${first + i}`);

/** Names of consecutive opcodes by the first one's byte: Osaka's, without INVALID. */
const RUNS: readonly (readonly [number, readonly string[]])[] = [
  [0x00, ["STOP", "ADD", "MUL", "SUB", "DIV", "SDIV", "MOD", "SMOD", "ADDMOD", "MULMOD", "EXP", "SIGNEXTEND"]],
  [0x10, ["LT", "GT", "SLT", "SGT", "EQ", "ISZERO", "AND", "OR", "XOR", "NOT", "BYTE", "SHL", "SHR", "SAR", "CLZ"]],
  [0x20, ["KECCAK256"]],
  [0x30, ["ADDRESS", "BALANCE", "ORIGIN", "CALLER", "CALLVALUE", "CALLDATALOAD", "CALLDATASIZE", "CALLDATACOPY"]],
  [0x38, ["CODESIZE", "CODECOPY", "GASPRICE", "EXTCODESIZE", "EXTCODECOPY", "RETURNDATASIZE", "RETURNDATACOPY"]],
  [0x3f, ["EXTCODEHASH", "BLOCKHASH", "COINBASE", "TIMESTAMP", "NUMBER", "PREVRANDAO", "GASLIMIT", "CHAINID"]],
  [0x47, ["SELFBALANCE", "BASEFEE", "BLOBHASH", "BLOBBASEFEE"]],
  [0x50, ["POP", "MLOAD", "MSTORE", "MSTORE8", "SLOAD", "SSTORE", "JUMP", "JUMPI", "PC", "MSIZE", "GAS", "JUMPDEST"]],
  [0x5c, ["TLOAD", "TSTORE", "MCOPY", ...numbered("PUSH", 0, 32)]],
  [0x80, [...numbered("DUP", 1, 16), ...numbered("SWAP", 1, 16), ...numbered("LOG", 0, 4)]],
  [0xf0, ["CREATE", "CALL", "CALLCODE", "RETURN", "DELEGATECALL", "CREATE2"]],
  [0xfa, ["STATICCALL"]],
  [0xfd, ["REVERT"]],
  [0xff, ["SELFDESTRUCT"]],
];

/** Byte of every opcode and pseudo-operation that a rule may name. */
export const OPCODES: ReadonlyMap<string, number> = new Map([
  ...RUNS.flatMap(([first, names]) => names.map((name, i) => [name, first + i] as const)),
  ...Object.entries(PSEUDO_OPERATIONS),
]);

const NAMES: ReadonlyMap<number, string> = new Map([...OPCODES].map(([name, byte]) => [byte, name]));

/** Name of an opcode or pseudo-operation that a rule may name; undefined for any other byte. */
export const opcodeNameOf = (byte: number): string | undefined => NAMES.get(byte);

/** What is wrong with a charter that has the right form. */
export type CharterFaultCode =
  | "statement-too-long"
  | "too-many-rules"
  | "too-many-addresses"
  | "unknown-opcode"
  | "duplicate-rule"
  | "deny-without-addresses"
  | "zero-address"
  | "duplicate-address"
  | "contradicting-rules"
  | "too-many-tax-brackets"
  | "bad-rate"
  | "bad-threshold"
  | "thresholds-not-ascending";
/** A fault and what to do about it. */
export type CharterFault = { readonly code: CharterFaultCode; readonly message: string };

/** Thrown for a text that is no charter, or one with a fault; the message says what to do. */
export class CharterError extends Error {
  readonly code:
    | CharterFaultCode
    | "not-an-object"
    | "not-a-list"
    | "missing-field"
    | "unknown-field"
    | "bad-text"
    | "bad-address"
    | "bad-operation";
  constructor(code: CharterError["code"], message: string) {
    super(message);
    this.name = "CharterError";
    this.code = code;
  }
}

const utf8 = new TextEncoder();
const fault = (code: CharterFaultCode, message: string): CharterFault => ({ code, message });

/** The first fault of a charter, in the order in which CharterRules.sol looks for them; null: L1 takes it. */
export function charterFault(charter: Charter): CharterFault | null {
  for (const name of ["vision", "mission"] as const) {
    const length = utf8.encode(charter[name]).length;
    if (length > CHARTER_LIMITS.statementBytes)
      return fault(
        "statement-too-long",
        `shorten the ${name}: ${length} of at most ${CHARTER_LIMITS.statementBytes} bytes`,
      );
  }
  const { permissions, taxRates } = charter;
  return rulesFault(permissions) ?? taxRatesFault(taxRates) ?? addressesFault(permissions);
}

function rulesFault(permissions: readonly Permission[]): CharterFault | null {
  const { rules, foundingAddresses } = CHARTER_LIMITS;
  if (permissions.length > rules)
    return fault("too-many-rules", `leave out rules: ${permissions.length} of at most ${rules}`);
  const count = permissions.reduce((sum, { addresses }) => sum + addresses.length, 0);
  if (count > foundingAddresses)
    return fault("too-many-addresses", `add addresses after the founding: ${count} of at most ${foundingAddresses}`);
  const present = new Set<string>();
  for (const [i, { operation, opcode, addresses }] of permissions.entries()) {
    const at = `permissions[${i}]`;
    if (!OPCODES.has(opcode)) {
      const shown = opcode.slice(0, MAX_SHOWN_CHARACTERS);
      return fault("unknown-opcode", `${at}.opcode: there is no opcode ${shown}; write ${nearestOpcode(shown)}?`);
    }
    if (present.has(`${operation} ${opcode}`))
      return fault("duplicate-rule", `${at}: put all addresses of ${operation} ${opcode} into one rule`);
    if (operation === "deny" && addresses.length === 0)
      return fault("deny-without-addresses", `${at}: name whom ${opcode} is denied, or leave the rule out`);
    present.add(`${operation} ${opcode}`);
  }
  return null;
}

function addressesFault(permissions: readonly Permission[]): CharterFault | null {
  const operationOf = new Map<string, Operation>();
  for (const [i, { operation, opcode, addresses }] of permissions.entries()) {
    const at = `permissions[${i}]`;
    for (const address of addresses) {
      if (address === ZERO_ADDRESS)
        return fault("zero-address", `${at}: leave out the zero address, nobody signs as it`);
      const before = operationOf.get(`${opcode} ${address}`);
      if (before === operation) return fault("duplicate-address", `${at}: name ${address} once`);
      if (before !== undefined)
        return fault("contradicting-rules", `${at}: ${opcode} is both allowed and denied to ${address}; choose one`);
      operationOf.set(`${opcode} ${address}`, operation);
    }
  }
  return null;
}

function taxRatesFault(taxRates: readonly TaxBracket[]): CharterFault | null {
  const { taxBrackets, rate: maxRate, thresholdBound } = CHARTER_LIMITS;
  if (taxRates.length > taxBrackets)
    return fault("too-many-tax-brackets", `leave out tax brackets: ${taxRates.length} of at most ${taxBrackets}`);
  for (const [i, { threshold, rate }] of taxRates.entries()) {
    const at = `taxRates[${i}]`;
    if (!Number.isInteger(rate) || rate < 0 || rate > maxRate)
      return fault("bad-rate", `${at}.rate: give basis points from 0 to ${maxRate} (100 %), not ${rate}`);
    if (threshold < 0n || threshold >= thresholdBound)
      return fault("bad-threshold", `${at}.threshold: give wei from 0 to below 2^112, not ${threshold}`);
    if (i > 0 && threshold <= taxRates[i - 1]!.threshold)
      return fault("thresholds-not-ascending", `${at}.threshold: sort the brackets, each threshold above the last`);
  }
  return null;
}

/** Characters of a foreign text that a message repeats. */
const MAX_SHOWN_CHARACTERS = 40;
/** Opcodes that have other names today. */
const FORMER_NAMES: ReadonlyMap<string, string> = new Map([
  ["SHA3", "KECCAK256"],
  ["DIFFICULTY", "PREVRANDAO"],
  ["SUICIDE", "SELFDESTRUCT"],
]);

/** The known name with the fewest letters to change. */
function nearestOpcode(name: string): string {
  const former = FORMER_NAMES.get(name);
  if (former !== undefined) return former;
  const distances = [...OPCODES.keys()].map((known) => ({ known, distance: editDistance(name, known) }));
  return distances.reduce((best, next) => (next.distance < best.distance ? next : best)).known;
}

/** Letters to insert, remove or replace to make one text the other (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, at: string, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new CharterError("not-an-object", `${at}: give an object with ${known.join(", ")}`);
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const shown = unknown.slice(0, MAX_SHOWN_CHARACTERS);
    throw new CharterError("unknown-field", `${at}: leave out ${shown}; the fields are ${known.join(", ")}`);
  }
  return value as Fields;
}

function listOf<T>(value: unknown, at: string, max: number, parse: (item: unknown, at: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw new CharterError("not-a-list", `${at}: give a list`);
  // one more than L1 takes is enough for the fault to be found
  return value.slice(0, max + 1).map((item, i) => parse(item, `${at}[${i}]`));
}

function textOf(value: unknown, at: string): string {
  if (value === undefined) throw new CharterError("missing-field", `${at}: give a text`);
  if (typeof value !== "string" || !value.isWellFormed())
    throw new CharterError("bad-text", `${at}: give a text of whole characters`);
  return value;
}

const shownOf = (value: unknown): string => String(JSON.stringify(value)).slice(0, MAX_SHOWN_CHARACTERS);

/** Whether a mixed-case address has the letter case that its checksum asks for (EIP-55). */
function isChecksummed(text: string): boolean {
  const digits = text.slice(2).toLowerCase();
  const hash = toHex(keccak(utf8.encode(digits))).slice(2);
  return [...digits].every(
    (digit, i) => text[i + 2] === (Number.parseInt(hash[i]!, 16) >= 8 ? digit.toUpperCase() : digit),
  );
}

function addressOf(value: unknown, at: string): Address {
  if (typeof value !== "string" || !/^0x[0-9a-fA-F]{40}$/.test(value))
    throw new CharterError("bad-address", `${at}: give 0x and 40 hexadecimal digits, not ${shownOf(value)}`);
  const oneCase = value.slice(2) === value.slice(2).toLowerCase() || value.slice(2) === value.slice(2).toUpperCase();
  if (!oneCase && !isChecksummed(value))
    throw new CharterError("bad-address", `${at}: ${value} has a typing error (EIP-55 checksum); copy it again`);
  return toAddress(value);
}

function permissionOf(value: unknown, at: string): Permission {
  const fields = fieldsOf(value, at, ["operation", "opcode", "addresses"]);
  const operation = OPERATIONS.find((name) => name === fields["operation"]);
  if (operation === undefined)
    throw new CharterError("bad-operation", `${at}.operation: give allow or deny, not ${shownOf(fields["operation"])}`);
  const opcode = textOf(fields["opcode"], `${at}.opcode`).toUpperCase();
  const addresses = listOf(fields["addresses"], `${at}.addresses`, CHARTER_LIMITS.foundingAddresses, addressOf);
  return { addresses, operation, opcode };
}

function taxBracketOf(value: unknown, at: string): TaxBracket {
  const fields = fieldsOf(value, at, ["threshold", "rate"]);
  const { threshold, rate } = { threshold: fields["threshold"], rate: fields["rate"] };
  const isWei = typeof threshold === "string" ? /^\d{1,78}$/.test(threshold) : Number.isSafeInteger(threshold);
  if (!isWei)
    throw new CharterError("bad-threshold", `${at}.threshold: give wei as a text of digits, not ${shownOf(threshold)}`);
  if (typeof rate !== "number")
    throw new CharterError("bad-rate", `${at}.rate: give basis points as a number, not ${shownOf(rate)}`);
  return { threshold: BigInt(threshold as string | number), rate };
}

/**
 * A charter from parsed JSON: vision and mission, and if there are any: permissions (operation, opcode by name in either
 * case, addresses), taxRates (threshold in wei as a text of digits, rate in basis points), managementContract.
 * Throws CharterError for a wrong form and for every fault that L1 would find.
 */
export function parseCharter(json: unknown): Charter {
  const names = ["vision", "mission", "permissions", "taxRates", "managementContract"];
  const fields = fieldsOf(json, "charter", names);
  const { rules, taxBrackets } = CHARTER_LIMITS;
  const charter: Charter = {
    vision: textOf(fields["vision"], "vision"),
    mission: textOf(fields["mission"], "mission"),
    permissions: listOf(fields["permissions"] ?? [], "permissions", rules, permissionOf),
    taxRates: listOf(fields["taxRates"] ?? [], "taxRates", taxBrackets, taxBracketOf),
    managementContract: addressOf(fields["managementContract"] ?? ZERO_ADDRESS, "managementContract"),
  };
  const found = charterFault(charter);
  if (found !== null) throw new CharterError(found.code, found.message);
  return charter;
}
