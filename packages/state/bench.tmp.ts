import { LevelStore, StateStore } from "./src/index.ts";
import { EMPTY_CODE_HASH, keccakHash } from "@mvm/protocol";
import { rmSync } from "node:fs";
const cpu=()=>process.cpuUsage().user/1000+process.cpuUsage().system/1000;
const addr = (i:number)=> ("0x"+i.toString(16).padStart(40,"0")) as any;
const acct=(i:number)=>({nonce:BigInt(i%7),balance:10n**18n+BigInt(i),codeHash:EMPTY_CODE_HASH});
const token=addr(0xffffff);
rmSync("/tmp/statebenchdb",{recursive:true,force:true});
const store=await LevelStore.open("/tmp/statebenchdb");
const st=new StateStore(store);
const allocs:any[]=[];
for(let i=0;i<100000;i++) allocs.push({address:addr(i),account:acct(i),code:null,slots:[]});
allocs.push({address:token,account:acct(1),code:null,slots:Array.from({length:100000},(_,i)=>({slot:keccakHash(Uint8Array.of(i&255,i>>8&255,i>>16)),value:BigInt(i+1)*10n**15n}))});
let t=performance.now();
await st.commitBlock([allocs]);
console.log("genesis ms",performance.now()-t);
function block(seed:number){const txs:any[]=[];let x=seed;const r=()=>{x=(Math.imul(x,1103515245)+12345)&0x7fffffff;let y=Math.imul(x^(x>>>15),0x2c1b3c6d);return (y>>>4)};
for(let t=0;t<1000;t++){const a=r()%100000,b=r()%100000;txs.push([{address:addr(a),account:acct(a+t),code:null,slots:[]},{address:addr(b),account:acct(b+t),code:null,slots:[]},{address:token,account:acct(1),code:null,slots:[a,b].map(i=>({slot:keccakHash(Uint8Array.of(i&255,i>>8&255,i>>16)),value:BigInt(r())*10n**15n}))}]);}
return txs;}


const rows:string[]=[];
for(let k=0;k<Number(process.argv[2]??10);k++){ const b=block(k*7919+7);
 const c0=cpu(); const t0=performance.now(); const p=st.prepare(b); const t1=performance.now(); const ch=await p.change(); const t2=performance.now(); await store.write(ch.operations); const t3=performance.now(); p.settled(); const t4=performance.now();
 rows.push([t1-t0,t2-t1,t3-t2,t4-t3,cpu()-c0].map(x=>x.toFixed(0)).join("/")+" ops "+ch.operations.length);}
console.log("prepare/change/write/settle/cpu us per tx\n"+rows.join("\n"));
let tt=performance.now(); let sum=0n; for(let i=0;i<20000;i++) sum+=st.account(addr((i*7919)%100000))!.balance; console.log("flat account us",(performance.now()-tt)/20);
await store.close();
