/** All flows, by the order of docs and lists. */
import { allSequencersKilledFlow } from "./allSequencersKilled.ts";
import { askedFlow } from "./asked.ts";
import { belowThresholdFlow } from "./belowThreshold.ts";
import { blobsFlow } from "./blobs.ts";
import { convictedFlow } from "./convicted.ts";
import type { Flow } from "./flow.ts";
import { governanceFlow } from "./governance.ts";
import { heldDepositFlow } from "./heldDeposit.ts";
import { hostsReplacedFlow } from "./hostsReplaced.ts";
import { hostWipedFlow } from "./hostWiped.ts";
import { leaderKilledFlow } from "./leaderKilled.ts";
import { maliciousDacFlow } from "./maliciousDac.ts";
import { withdrawFlow } from "./withdraw.ts";

export const FLOWS: readonly Flow[] = [
  withdrawFlow,
  heldDepositFlow,
  belowThresholdFlow,
  leaderKilledFlow,
  hostWipedFlow,
  hostsReplacedFlow,
  allSequencersKilledFlow,
  governanceFlow,
  maliciousDacFlow,
  blobsFlow,
  convictedFlow,
  askedFlow,
];
