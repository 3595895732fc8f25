import { LevelStore, StateStore } from "./src/index.ts";
const store=await LevelStore.open("/tmp/statebenchdb"); const st=new StateStore(store);
const addr = (i:number)=> ("0x"+i.toString(16).padStart(40,"0")) as any;
for(let k=0;k<4;k++){ let tt=performance.now(); const c=process.cpuUsage(); let sum=0n; for(let i=0;i<20000;i++) sum+=st.account(addr((i*7919)%100000))!.balance; const d=process.cpuUsage(c); console.log("flat account us",(performance.now()-tt)/20, (d.user+d.system)/20000);}
await store.close();
