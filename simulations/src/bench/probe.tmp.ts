import { createEngine } from "@mvm/evm";
import { prepareBlocks, WORKLOADS } from "./blocksWorkloads.ts";
import { AnvilContender } from "./blocksAnvil.ts";
import { OwnContender } from "./blocksOwn.ts";
const engine = await createEngine({feePolicy:"burn"});
const p = await prepareBlocks(engine);
const anvil = await AnvilContender.start(p.state);
for (let i=0;i<3;i++) { console.log("empty", (await anvil.mine([])).seconds);
for (const w of WORKLOADS) console.log(w, (await anvil.mine(p.transactions[w])).seconds, (await anvil.mine(p.transactions[w])).gasUsed); }
await anvil.stop();
const own = await OwnContender.open(engine, p.state);
for (const w of WORKLOADS) for (let i=0;i<4;i++) { const r = await own.whole(p.transactions[w]); console.log(w, r.seconds, r.gasUsed, (await own.provider(p.transactions[w])).seconds); }
await own.close();
