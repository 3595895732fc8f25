/** The networks that flows need: few sizes, so that flows of one can share it. */
import type { TestnetSize } from "../testnet.ts";

const HOUSE = { providers: 2, storage: 2, dacs: 0 };

/** Stakes, in whole MT, of the network on which stakes matter: sums of DACs are chosen between them. */
export const STAKES = { small: 45_000, between: 47_000, large: 50_000, beyond: 60_000 } as const;

/** Two sequencers of different stakes, named sequencer-1 and sequencer-2. */
export const STAKED_NETWORK: TestnetSize = { ...HOUSE, sequencers: 2, sequencerStakesMT: [STAKES.small, STAKES.large] };

/** Two DACs and one sequencer, which posts in blobs whatever they cost, and whose jobs pass two couriers. */
export const BLOB_NETWORK: TestnetSize = {
  ...HOUSE,
  providers: 4,
  dacs: 2,
  sequencers: 1,
  sequencerSettings: { batchData: "blob", courierHops: 2 },
};

/** Three equal sequencers, who may be killed. */
export const EXPENDABLE_NETWORK: TestnetSize = { ...HOUSE, sequencers: 3 };

/** Three equal sequencers and three hosts, whose batches an account may convict. */
export const CONVICTABLE_NETWORK: TestnetSize = { ...HOUSE, storage: 3, sequencers: 3, withConvictor: true };
