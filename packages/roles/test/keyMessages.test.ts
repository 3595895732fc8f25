import { type Address, type CeremonyMessage, type HostSet, taggedHash, toChainId, toWord } from "@mvm/protocol";
import { describe, expect, it } from "vitest";
import { KeyMessages } from "../src/keyMessages.ts";

const CHAIN = toChainId(7n);
const EPOCH_BLOCKS = 8;
const hostOf = (n: number) => {
  const key = taggedHash("host", toWord(BigInt(n)));
  return { operator: key.slice(0, 42) as Address, blsPublicKey: key };
};
const [a, b, c, outsider] = [hostOf(0), hostOf(1), hostOf(2), hostOf(3)];
const EARLIER: HostSet = { since: 5n, hosts: [a, b] };
const PRESENT: HostSet = { since: 20n, hosts: [b, c] };
/** first block of the second round of the present hosts */
const ROUND = 37n;

/** What is kept of messages that come one after the other. */
function kept(messages: readonly Partial<CeremonyMessage>[], sets: readonly HostSet[] = [EARLIER, PRESENT]) {
  const all = new KeyMessages(EPOCH_BLOCKS);
  const said = messages.map((message, i) => {
    const l1Block = message.isComplaint ? ROUND + 8n : ROUND;
    const data = toWord(BigInt(i));
    return { round: ROUND, host: b.operator, isComplaint: false, data, l1Block, ...message };
  });
  for (const message of said) all.said(CHAIN, sets, message);
  return all.of(CHAIN).map((message) => said.indexOf(message));
}

describe("what is kept of a key ceremony", () => {
  it("is one dealing of each who holds data, or held it, and nobody else's", () => {
    const [of, again] = [(host: Address) => ({ host }), { host: b.operator }];
    expect(kept([of(a.operator), of(b.operator), of(outsider.operator), again, of(c.operator)])).toEqual([0, 1, 4]);
  });

  it("are complaints of present hosts, one about each who may have dealt", () => {
    const of = (host: Address) => ({ host, isComplaint: true });
    const many = Array.from({ length: 9 }, () => of(b.operator));
    expect(kept([of(a.operator), of(outsider.operator), ...many, of(c.operator)])).toEqual([2, 3, 4, 11]);
  });

  it("is said in its time: dealings in a round's first half, complaints in the second, none to another round", () => {
    expect(kept([{ l1Block: ROUND - 1n }, { l1Block: ROUND + 8n }, { round: 21n }, { l1Block: ROUND + 7n }])).toEqual([
      3,
    ]);
    const complaint = { isComplaint: true };
    const late = { ...complaint, l1Block: ROUND + 16n };
    expect(kept([{ ...complaint, l1Block: ROUND + 7n }, late, { ...complaint, l1Block: ROUND + 15n }])).toEqual([2]);
  });

  it("is nothing before there are hosts, when none are left, and in the block in which they change", () => {
    expect(kept([{}], [])).toEqual([]);
    expect(kept([{}], [EARLIER, { since: 20n, hosts: [] }])).toEqual([]);
    expect(kept([{ round: ROUND, l1Block: ROUND }], [EARLIER, { ...PRESENT, since: ROUND }])).toEqual([]);
  });
});
