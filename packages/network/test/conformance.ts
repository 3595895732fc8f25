import { afterEach, describe } from "vitest";
import type { Network } from "../src/index.ts";
import { gossipProperties } from "./gossipProperties.ts";
import { peerProperties } from "./peerProperties.ts";
import { requestProperties } from "./requestProperties.ts";
import { connect, type World } from "./world.ts";

/** Runs the properties that every implementation of Network must have. */
export function runConformance(name: string, makeWorld: () => World): void {
  describe(name, () => {
    let world: World | undefined;
    const begin = (): World => {
      world = makeWorld();
      return world;
    };
    afterEach(async () => {
      await world?.close();
      world = undefined;
    });
    const pair = async (): Promise<[Network, Network]> => {
      const { create } = begin();
      const [a, b] = [await create(), await create()];
      await connect(a, b);
      return [a, b];
    };
    describe("requests", () => requestProperties(pair, begin));
    describe("gossip", () => gossipProperties(pair, begin));
    describe("peers", () => peerProperties(pair, begin));
  });
}
