/** All scenarios, in the order in which `all` runs them. */
import { asked } from "./asked.ts";
import { badProviders } from "./badProviders.ts";
import { blindness, twoCouriers } from "./blindness.ts";
import { capture } from "./capture.ts";
import { churn } from "./churn.ts";
import { couriersDrop } from "./couriersDrop.ts";
import { grinding } from "./grinding.ts";
import { l1Reorg } from "./l1Reorg.ts";
import { leaderSilent } from "./leaderSilent.ts";
import { offerSpam } from "./offerSpam.ts";
import { proposerBias } from "./proposerBias.ts";
import { rollback } from "./rollback.ts";
import type { Scenario } from "./scenario.ts";
import { sequencerCrash, slowLinks, smoke } from "./smoke.ts";
import { wrongClocks } from "./wrongClocks.ts";

export const SCENARIOS: readonly Scenario[] = [
  smoke,
  slowLinks,
  sequencerCrash,
  leaderSilent,
  l1Reorg,
  rollback,
  asked,
  blindness,
  twoCouriers,
  capture,
  grinding,
  proposerBias,
  couriersDrop,
  offerSpam,
  badProviders,
  churn,
  wrongClocks,
];
