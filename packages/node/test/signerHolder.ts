/** The program that a test kills: holds a sequencer's key, notes one block after the other, and says which it has signed. */
import { type Address, keccakHash, toWord, type UnsignedBlock } from "@mvm/protocol";
import { signingMarks } from "../src/durableStores.ts";
import { openSigner } from "../src/signerStore.ts";

const [, , operator, signersDir] = process.argv;
const marks = signingMarks(await openSigner(operator as Address, signersDir));
for (let number = 0n; ; number++) {
  const block = { chainId: 1n, generation: 0n, context: { slot: 5n }, header: { number } } as unknown as UnsignedBlock;
  if (!(await marks.claim(block, keccakHash(toWord(number))))) throw new Error("not the first to claim it");
  process.stdout.write(`${number}\n`);
}
