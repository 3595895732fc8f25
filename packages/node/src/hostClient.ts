/**
 * Reads of a DAC's state, and of the blobs that its batches are in, at its storage hosts: any host will do, for every answer is
 * checked; the next is asked when one fails.
 */
import {
  type ChainId,
  CodecError,
  decodeAnswer,
  encodeRequest,
  type Hash,
  type NamedAnswer,
  type PeerId,
  REQUESTS,
  type StateKey,
} from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import { type Proof, ProvenReader, StateError, verifyReads, verifyWitness } from "@mvm/state";
import type { Chain } from "./chain.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";

/** No host gave a valid proof. */
export class HostsSilent extends Error {
  readonly code = "hosts-silent";
  constructor(chainId: ChainId, reasons: readonly string[]) {
    super(`no storage host of chain ${chainId} served the values: ${reasons.join("; ") || "none is known"}`);
    this.name = "HostsSilent";
  }
}

/** Rounds over all hosts before a read fails. */
const ROUNDS = 2;
/** Blobs that are asked for or were shown last: checking one takes a second of computing. */
const KEPT_BLOBS = 16;

export class HostClient {
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #view: L1View;
  /** a host that answered last, by chain */
  readonly #preferred = new Map<ChainId, number>();
  readonly #blobs = new Map<Hash, Promise<Uint8Array | null>>();

  constructor(options: { ports: Ports; settings: NetworkSettings; view: L1View }) {
    this.#ports = options.ports;
    this.#settings = options.settings;
    this.#view = options.view;
  }

  /** Reads under a root, as a block of `number` sees the chain. Its reads reject with the cause HostsSilent. */
  readerAt(chain: Chain, at: { readonly stateRoot: Hash; readonly number: bigint }, signal: AbortSignal): ProvenReader {
    return new ProvenReader({
      root: at.stateRoot,
      chain: chain.valuesAt(at.number),
      signal,
      fetch: ({ root, keys, forWrites }, fetching) =>
        this.#fetch(chain, { stateRoot: root, keys, forWrites }, fetching),
    });
  }

  /**
   * Data of a blob that a chain's batches are in, from a host that keeps it, checked; null where none shows it. Who asks for the
   * same blob at the same time, or soon after, costs nothing more. Rejects where it cannot be checked now.
   */
  blob(chainId: ChainId, blobHash: Hash, signal: AbortSignal): Promise<Uint8Array | null> {
    const known = this.#blobs.get(blobHash);
    if (known !== undefined) return known;
    const asked = this.#askForBlob(chainId, blobHash, signal);
    this.#blobs.set(blobHash, asked);
    const forget = (): unknown => this.#blobs.get(blobHash) === asked && this.#blobs.delete(blobHash);
    asked.then((data) => data === null && forget(), forget);
    if (this.#blobs.size > KEPT_BLOBS) this.#blobs.delete(this.#blobs.keys().next().value!);
    return asked;
  }

  async #askForBlob(chainId: ChainId, blobHash: Hash, signal: AbortSignal): Promise<Uint8Array | null> {
    const { network, kzg, blobs } = this.#ports;
    const kept = await blobs.get(blobHash);
    if (kept !== null) return kept;
    for (const { peerId } of this.#view.hosts(chainId)) {
      const data = peerId === network.peerId ? null : await this.#blobFrom(peerId, blobHash, signal);
      if (data === null) continue;
      if ((await kzg.versionedHash(data)) === blobHash) return data;
      network.report(peerId, "invalid-message", `not the blob ${blobHash}`);
    }
    return null;
  }

  async #blobFrom(host: PeerId, blobHash: Hash, signal: AbortSignal): Promise<Uint8Array | null> {
    const { protocol, maxAnswerBytes } = REQUESTS.blob;
    const { network } = this.#ports;
    try {
      const answer = await network.request(host, protocol, encodeRequest({ name: "blob", body: { blobHash } }), {
        timeoutMs: this.#settings.parameters.readTimeoutMs,
        signal,
        maxResponseBytes: maxAnswerBytes,
      });
      const { body } = decodeAnswer("blob", answer);
      return body.kind === "blob" ? body.data : null;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof CodecError) network.report(host, "invalid-message", error.message);
      return null;
    }
  }

  async #fetch(chain: Chain, read: Read, signal: AbortSignal): Promise<Proof> {
    const { chainId } = chain;
    const hosts = this.#view.hosts(chainId);
    const isSelf = ({ peerId }: { peerId: PeerId }): boolean => peerId === this.#ports.network.peerId;
    const reasons: string[] = [];
    for (let attempt = 0; attempt < hosts.length * ROUNDS; attempt++) {
      const position = ((this.#preferred.get(chainId) ?? 0) + attempt) % hosts.length;
      const host = hosts[position]!;
      try {
        const proof = isSelf(host)
          ? chain.prove(read.stateRoot, read.keys, read.forWrites)
          : await this.#ask(host.peerId, { chainId, ...read }, signal);
        check(read, proof);
        this.#preferred.set(chainId, position);
        return proof;
      } catch (error) {
        signal.throwIfAborted();
        if (!isSelf(host) && (error instanceof StateError || error instanceof CodecError))
          this.#ports.network.report(host.peerId, "invalid-message", error.message);
        reasons.push(`${host.operator}: ${reasonOf(error)}`);
      }
    }
    throw new HostsSilent(chainId, reasons);
  }

  async #ask(host: PeerId, body: Read & { readonly chainId: ChainId }, signal: AbortSignal): Promise<Proof> {
    const { protocol, maxAnswerBytes } = REQUESTS.reads;
    const answer = await this.#ports.network.request(host, protocol, encodeRequest({ name: "reads", body }), {
      timeoutMs: this.#settings.parameters.readTimeoutMs,
      signal,
      maxResponseBytes: maxAnswerBytes,
    });
    return proofIn(decodeAnswer("reads", answer));
  }
}

type Read = { readonly stateRoot: Hash; readonly keys: readonly StateKey[]; readonly forWrites: boolean };

function proofIn(answer: NamedAnswer): Proof {
  if (answer.name !== "reads" || answer.body.kind !== "proof")
    throw new Error(answer.name === "reads" && answer.body.kind === "refused" ? answer.body.reason : "no proof");
  return answer.body;
}

/** Throws StateError where the proof does not show all of the keys: the next host may do better. */
function check({ stateRoot, keys, forWrites }: Read, proof: Proof): void {
  if (forWrites) verifyWitness(stateRoot, keys, proof.nodes);
  else verifyReads(stateRoot, keys, proof);
}
