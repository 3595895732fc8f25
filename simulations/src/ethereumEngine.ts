/** The engine as Ethereum's: every addition idle, the base fee burnt. What other engines and public suites are held to. */
import { createEngine, type Engine, type HardforkName } from "@mvm/evm";

/** An engine with a fork's rules and none of our own. */
export function ethereumEngine(hardfork: HardforkName): Promise<Engine> {
  return createEngine({ hardfork, chain: "ethereum" });
}
