/** What providers sign of the outcomes in execution.ts, in words, stated a second time. */
import { concat, encodeRlp, keccak256 } from "ethers";
import { merkleRootOf } from "./chain.ts";
import { ENVIRONMENT, type Entry, type Log, MESSAGES, messageItems, type Outcome, REASONS, type Write } from "./execution.ts";
import { rlpOf, tagged, word } from "./format.ts";

type Account = Extract<Entry, { kind: "account" }>["value"];

const padded = (hex: string): string => `0x${hex.slice(2).padStart(64, "0")}`;
const accountWords = (account: Account): string[] =>
  account === null
    ? [word(0), word(0), word(0), word(0)]
    : [word(1), word(account.nonce), word(account.balance), account.codeHash];

/** Entries of one kind, by the words that they are sorted by. */
const inOrder = <K extends Entry["kind"]>(entries: Entry[], kind: K, key: (entry: Extract<Entry, { kind: K }>) => string) =>
  entries
    .filter((entry): entry is Extract<Entry, { kind: K }> => entry.kind === kind)
    .sort((a, b) => (key(a) < key(b) ? -1 : 1));

/** Reads as words; who wrote a key last is stated by `origins`, by address or address and slot. */
function readWords(entries: Entry[], origins: { readonly [key: string]: number }): string {
  const accounts = inOrder(entries, "account", ({ address }) => address);
  const slots = inOrder(entries, "slot", ({ address, slot }) => address + slot);
  const codes = inOrder(entries, "code", ({ hash }) => hash);
  const hashes = inOrder(entries, "blockHash", ({ number }) => word(number));
  const [number] = inOrder(entries, "number", () => "");
  const [chainId] = inOrder(entries, "chainId", () => "");
  return concat([
    ...[accounts, slots, codes, hashes].map(({ length }) => word(length)),
    ...[number, chainId].map((entry) => word(entry === undefined ? 0n : entry.value + 1n)),
    ...accounts.flatMap(({ address, value }) => [padded(address), ...accountWords(value), word(origins[address] ?? 0)]),
    ...slots.flatMap(({ address, slot, value }) => [padded(address), slot, word(value), word(origins[address + slot] ?? 0)]),
    ...codes.map(({ hash }) => hash),
    ...hashes.flatMap(({ number: at, value }) => [word(at), value]),
  ]);
}

const writeWords = (writes: Write[]): string =>
  concat([
    word(writes.length),
    ...writes.flatMap(({ address, account, code, slots }) => [
      padded(address),
      ...accountWords(account),
      code === null ? word(0) : keccak256(code.bytes),
      word(slots.length),
      ...slots.flatMap(({ slot, value }) => [slot, word(value)]),
    ]),
  ]);

const logBytes = ({ address, topics, data }: Log): string => encodeRlp([address, topics, data.bytes]);

/** Outcomes as L1 is shown them, and the root over them. All but the first one are taken to read after the first one's writes. */
export function resultOf(messages: typeof MESSAGES, outcomes: Outcome[]) {
  const [first] = outcomes;
  const written = first?.kind === "included" ? first.writes : [];
  const origins = Object.fromEntries(
    written.flatMap(({ address, slots }) => [[address, 1], ...slots.map(({ slot }) => [address + slot, 1])]),
  ) as { [key: string]: number };
  let gasBefore = 0n;
  const opened = outcomes.map((outcome, i) => {
    const isIncluded = outcome.kind === "included";
    const own = {
      gasBefore,
      end: isIncluded ? outcome.status : 2 + REASONS.indexOf(outcome.reason),
      gasUsed: isIncluded ? outcome.gasUsed : 0n,
      logsHash: keccak256(concat(isIncluded ? outcome.logs.map(logBytes) : [])),
      writes: writeWords(isIncluded ? outcome.writes : []),
      reads: readWords(outcome.reads, i === 0 ? {} : origins),
    };
    gasBefore += own.gasUsed;
    const fields = [word(own.gasBefore), word(own.end), word(own.gasUsed), own.logsHash];
    return { ...own, leaf: tagged("mvm/outcome/1", ...fields, keccak256(own.writes), keccak256(own.reads)) };
  });
  const { timestamp, baseFeePerGas, gasLimit, prevRandao, feeRecipient } = ENVIRONMENT;
  const environment = concat([word(timestamp), word(baseFeePerGas), word(gasLimit), prevRandao, padded(feeRecipient)]);
  const roots = {
    environmentHash: keccak256(environment),
    messagesRoot: merkleRootOf(messages.map((message) => keccak256(rlpOf(messageItems(message))))),
    messageCount: messages.length,
    outcomesRoot: merkleRootOf(opened.map(({ leaf }) => leaf)),
    outcomeCount: outcomes.length,
  };
  const resultHash = tagged(
    "mvm/job-result/2",
    roots.environmentHash,
    roots.messagesRoot,
    word(roots.messageCount),
    roots.outcomesRoot,
    word(roots.outcomeCount),
  );
  return { opened, roots, resultHash };
}
