import { expect, it } from "vitest";
import { runWrongClocks } from "../src/scenarios/wrongClocks.ts";

it("machines whose clocks are off by minutes lose no block, delay none and are blamed for nothing: they go by L1's time", async () => {
  const { violations, figures } = await runWrongClocks(1, 40);
  expect(violations).toEqual([]);
  expect(figures).toMatchObject({ blocksLost: 0, honestBlamed: 0 });
});
