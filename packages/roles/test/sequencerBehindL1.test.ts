import { describe, expect, it } from "vitest";
import { parentOf } from "../src/index.ts";
import { Driven, FIRST } from "./sequencerWorld.ts";
import { blockOn, GENESIS, post, transfer } from "./world.ts";

describe("a sequencer that lacks blocks which are on L1", () => {
  it("makes none beside them, though nobody can give it those, and goes on once it has them", () => {
    const driven = new Driven();
    const first = blockOn({ view: driven.view, parent: GENESIS });
    const second = blockOn({ view: driven.view, parent: FIRST });
    post(driven.view, [first]);
    post(driven.view, [second]);
    driven.start().offer(transfer()).hostsSay(1n);
    driven.seconds += 60;
    driven.handle({ kind: "timer", name: "advance" });
    driven.handle({ kind: "l1Changed" });
    expect(driven.all("openSession")).toEqual([]);
    driven.handle({ kind: "headChanged", head: parentOf(second), block: second, safeNumber: 2n });
    expect(driven.all("openSession")).toHaveLength(1);
  });
});
