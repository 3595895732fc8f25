/** Reads of a DAC's state at its storage hosts: any host will do, for every answer is proven; the next is asked when one fails. */
import { decodeAnswer, encodeRequest, type Hash, REQUESTS, type StateKey } from "@mvm/protocol";
import type { L1View } from "@mvm/roles";
import { type Proof, verifyReads, verifyWitness } from "@mvm/state";
import type { NetworkSettings, Ports } from "./ports.ts";
import type { ChainId } from "@mvm/protocol";

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

export class HostClient {
  readonly #ports: Ports;
  readonly #settings: NetworkSettings;
  readonly #view: L1View;
  /** a host that answered last, by chain */
  readonly #preferred = new Map<ChainId, number>();

  constructor(options: { ports: Ports; settings: NetworkSettings; view: L1View }) {
    this.#ports = options.ports;
    this.#settings = options.settings;
    this.#view = options.view;
  }

  /** Proof of values under a root. Rejects with HostsSilent. */
  prove(chainId: ChainId, stateRoot: Hash, keys: readonly StateKey[]): Promise<Proof> {
    return this.#fetch(chainId, { stateRoot, keys, forWrites: false }, (proof) => verifyReads(stateRoot, keys, proof));
  }

  /** Trie nodes that writes to the keys need. Rejects with HostsSilent. */
  async witness(chainId: ChainId, stateRoot: Hash, keys: readonly StateKey[]): Promise<readonly Uint8Array[]> {
    const proof = await this.#fetch(chainId, { stateRoot, keys, forWrites: true }, ({ nodes }) => verifyWitness(stateRoot, keys, nodes));
    return proof.nodes;
  }

  async #fetch(
    chainId: ChainId,
    read: { readonly stateRoot: Hash; readonly keys: readonly StateKey[]; readonly forWrites: boolean },
    verify: (proof: Proof) => unknown,
  ): Promise<Proof> {
    const { protocol, maxAnswerBytes } = REQUESTS.reads;
    const timeoutMs = this.#settings.parameters.readTimeoutMs;
    const bytes = encodeRequest({ name: "reads", body: { chainId, ...read } });
    const hosts = this.#view.hosts(chainId);
    const reasons: string[] = [];
    for (let attempt = 0; attempt < hosts.length * ROUNDS; attempt++) {
      const position = ((this.#preferred.get(chainId) ?? 0) + attempt) % hosts.length;
      const host = hosts[position]!;
      try {
        const answer = await this.#ports.network.request(host.peerId, protocol, bytes, { timeoutMs, maxResponseBytes: maxAnswerBytes });
        const { body } = decodeAnswer("reads", answer);
        if (body.kind !== "proof") throw new Error((body as { reason: string }).reason);
        verify(body as Proof);
        this.#preferred.set(chainId, position);
        return body as Proof;
      } catch (error) {
        reasons.push(`${host.operator}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new HostsSilent(chainId, reasons);
  }
}
