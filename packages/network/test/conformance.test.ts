import { runConformance } from "./conformance.ts";
import { libp2pWorld, memoryWorld } from "./worlds.ts";

runConformance("in memory", memoryWorld);
runConformance("over libp2p", libp2pWorld);
