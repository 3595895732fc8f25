/** Answers of a node to what is asked for on L1: the machine, the answers that it sends, and what it keeps to make them of. */

import type { Engine } from "@mvm/evm";
import type { ChainId, Hash } from "@mvm/protocol";
import {
  Answerer,
  type AnswererEffect,
  type AnswererEvent,
  type AskEffect,
  type L1View,
  nameOfAsk,
  type PostedBatch,
} from "@mvm/roles";
import { AnswerMaker } from "./answerMaking.ts";
import type { Chain } from "./chain.ts";
import type { HostClient } from "./hostClient.ts";
import { MachineDriver } from "./machineDriver.ts";
import type { NetworkSettings, Ports } from "./ports.ts";
import { reasonOf } from "./reason.ts";
import type { RequestDesk } from "./requestDesk.ts";

export class Answering {
  readonly #ports: Ports;
  readonly #view: L1View;
  readonly #chains: ReadonlyMap<ChainId, Chain>;
  readonly #maker: AnswerMaker;
  readonly #driver: MachineDriver<AnswererEvent, AnswererEffect>;
  readonly #abort = new AbortController();
  /** own batches of each chain that are not final, and whose leaves are all kept */
  readonly #kept = new Map<ChainId, Set<Hash>>();
  #keeping: Promise<void> | null = null;

  constructor(options: {
    ports: Ports;
    settings: NetworkSettings;
    view: L1View;
    desk: RequestDesk;
    chains: ReadonlyMap<ChainId, Chain>;
    hosts: HostClient;
    engine: Engine;
  }) {
    const { ports, settings, view, desk, chains, hosts, engine } = options;
    this.#ports = ports;
    this.#view = view;
    this.#chains = chains;
    this.#maker = new AnswerMaker({ engine, leaves: ports.leaves, hosts });
    const { operator } = ports.identity;
    const { parameters } = settings;
    this.#driver = new MachineDriver<AnswererEvent, AnswererEffect>({
      machine: new Answerer({ view, operator, parameters, follows: (chainId) => chains.has(chainId) }),
      ports,
      desk,
      perform: (effect) => void this.#perform(effect),
    });
  }

  l1Changed(): void {
    this.#driver.dispatch({ kind: "l1Changed" });
    this.#keeping ??= this.#keep()
      .catch((error) => this.#ports.log("debug", "leaves-not-kept", { reason: reasonOf(error) }))
      .finally(() => {
        this.#keeping = null;
      });
  }

  async stop(): Promise<void> {
    this.#driver.stop();
    this.#abort.abort();
    await this.#keeping;
  }

  async #perform(effect: AskEffect): Promise<void> {
    let reason: string | null = null;
    try {
      await (effect.kind === "disclose" ? this.#answer(effect) : this.#payBack(effect));
    } catch (error) {
      reason = reasonOf(error);
    }
    this.#driver.dispatch({ kind: "ended", effect, reason });
  }

  async #answer(effect: AskEffect): Promise<void> {
    const { header } = effect.ask.batch;
    const chain = this.#chains.get(header.chainId)!;
    const answer = await this.#maker.answerTo(chain, effect.ask, this.#abort.signal);
    await this.#ports.poster.answer({ header, answer, key: nameOfAsk(effect) });
  }

  async #payBack(effect: AskEffect): Promise<void> {
    const { batch, number } = effect.ask;
    await this.#ports.poster.payBack({ header: batch.header, number, key: nameOfAsk(effect) });
  }

  /** Keeps the leaves of what the node posted, also where another made the blocks; lets go of what is final. */
  async #keep(): Promise<void> {
    for (const chain of this.#chains.values()) {
      const { chainId, finalNumber } = chain;
      if (finalNumber > 0n) await this.#ports.leaves.prune(chainId, finalNumber);
      const batches = this.#view.batches(chainId);
      const open = batches.slice(batches.findLastIndex(({ header }) => header.lastBlock <= finalNumber) + 1);
      const own = open.filter(({ header }) => header.poster === this.#ports.identity.operator);
      const kept = this.#kept.get(chainId) ?? new Set();
      this.#kept.set(chainId, new Set(own.map(({ batchHash }) => batchHash).filter((hash) => kept.has(hash))));
      for (const batch of own) if (!kept.has(batch.batchHash)) await this.#keepOf(chain, batch);
    }
  }

  async #keepOf(chain: Chain, { header, batchHash }: PostedBatch): Promise<void> {
    for (let number = header.firstBlock; number <= header.lastBlock; number++) {
      const block = chain.block(number);
      if (block === null) return;
      await this.#maker.checkpointLeaves(chain, block, this.#abort.signal);
    }
    this.#kept.get(chain.chainId)!.add(batchHash);
  }
}
