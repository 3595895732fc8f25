/** Storage hosts of a test: honest ones answer from a block maker's state, others as the test says. */
import { decodeRequest, encodeAnswer, type NamedAnswer, type NamedRequest, REQUESTS, refused } from "@mvm/protocol";
import { StateError } from "@mvm/state";
import type { BlockMaker } from "./blockMaker.ts";
import type { Site } from "./world.ts";

export type Reads = (NamedRequest & { name: "reads" })["body"];
type Proof = { readonly nodes: readonly Uint8Array[]; readonly codes: readonly Uint8Array[] };

/** The true proof of a read. */
export function proofOf(maker: BlockMaker, { stateRoot, keys, forWrites }: Reads): Proof {
  const state = maker.database.stateAt(stateRoot, maker.values(0n));
  return forWrites ? { nodes: state.witnessFor(keys), codes: [] } : state.proveReads(keys);
}

export const answerWith = (proof: Proof): NamedAnswer => ({ name: "reads", body: { kind: "proof", ...proof } });

export function honestAnswer(maker: BlockMaker, reads: Reads): NamedAnswer {
  try {
    return answerWith(proofOf(maker, reads));
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    return { name: "reads", body: refused(error.message) };
  }
}

/** Serves reads at a site; raw bytes go out as they are. */
export function serveReads(site: Site, serve: (reads: Reads) => NamedAnswer | Uint8Array | Promise<never>): Reads[] {
  const served: Reads[] = [];
  const { protocol, maxRequestBytes, maxAnswerBytes } = REQUESTS.reads;
  const limits = { maxRequestBytes, maxResponseBytes: maxAnswerBytes, maxConcurrentPerPeer: 32 };
  site.network.handle(protocol, limits, async (_from, bytes) => {
    const reads = decodeRequest("reads", bytes).body as Reads;
    served.push(reads);
    const answer = await serve(reads);
    return answer instanceof Uint8Array ? answer : encodeAnswer(answer);
  });
  return served;
}
