import { createCustomCommon, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, MCLBLS, RustBN254 } from "@ethereumjs/evm";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bn254 } from "@noble/curves/bn254.js";
import mcl from "mcl-wasm";
import { initRustBN } from "rustbn-wasm";

const common = createCustomCommon({ chainId: 1 }, Mainnet, { hardfork: Hardfork.Osaka });
const plain = await createEVM({ common });
const { loadCurves } = await import("./src/pairingCurve.ts");
const { curveBackends } = await import("./src/precompiles.ts");
const { blake2f } = await import("./src/blake2.ts");
const fast = await createEVM({ common: common.copy(), ...curveBackends(await loadCurves()) });
(fast.precompiles as any).set("09".padStart(40, "0"), (o: any) => {
  const r = blake2f(o.data, Number(o.gasLimit));
  return { executionGasUsed: BigInt(r.gasUsed), returnValue: r.output, ...(r.success ? {} : { exceptionError: 1 }) };
});
const w = (v: bigint, n: number) => Buffer.from(v.toString(16).padStart(n * 2, "0"), "hex");
const rnd = (n: number) => crypto.getRandomValues(new Uint8Array(n));
const big = () => BigInt("0x" + Buffer.from(rnd(31)).toString("hex"));
const b1 = () => {
  const p = bn254.G1.Point.BASE.multiply(big()).toAffine();
  return Buffer.concat([w(p.x, 32), w(p.y, 32)]);
};
const b2 = () => {
  const p = bn254.G2.Point.BASE.multiply(big()).toAffine() as any;
  return Buffer.concat([w(p.x.c1, 32), w(p.x.c0, 32), w(p.y.c1, 32), w(p.y.c0, 32)]);
};
const l1 = () => {
  const p = bls12_381.G1.Point.BASE.multiply(big()).toAffine();
  return Buffer.concat([w(p.x, 64), w(p.y, 64)]);
};
const l2 = () => {
  const p = bls12_381.G2.Point.BASE.multiply(big()).toAffine() as any;
  return Buffer.concat([w(p.x.c0, 64), w(p.x.c1, 64), w(p.y.c0, 64), w(p.y.c1, 64)]);
};
const rep = (n: number, f: () => Buffer) => Buffer.concat(Array.from({ length: n }, f));
const full = w(2n ** 256n - 1n, 32);
const modexp = (b: number, e: number, m: number) =>
  Buffer.concat([
    w(BigInt(b), 32),
    w(BigInt(e), 32),
    w(BigInt(m), 32),
    Buffer.alloc(b, 0xfe),
    Buffer.alloc(e, 0xff),
    Buffer.alloc(m, 0xfd),
  ]);
const cases: [string, string, Buffer][] = [
  ["bn add", "06", rep(2, b1)],
  ["bn mul", "07", Buffer.concat([b1(), full])],
  ["bn pair 2", "08", rep(2, () => Buffer.concat([b1(), b2()]))],
  ["bn pair 10", "08", rep(10, () => Buffer.concat([b1(), b2()]))],
  ["bls g1add", "0b", rep(2, l1)],
  ["bls g1msm 1", "0c", Buffer.concat([l1(), full])],
  ["bls g1msm 32", "0c", rep(32, () => Buffer.concat([l1(), rnd(32)]))],
  ["bls g1msm 256", "0c", rep(256, () => Buffer.concat([l1(), rnd(32)]))],
  ["bls g2add", "0d", rep(2, l2)],
  ["bls g2msm 1", "0e", Buffer.concat([l2(), full])],
  ["bls g2msm 32", "0e", rep(32, () => Buffer.concat([l2(), rnd(32)]))],
  ["bls g2msm 256", "0e", rep(256, () => Buffer.concat([l2(), rnd(32)]))],
  ["bls pair 2", "0f", rep(2, () => Buffer.concat([l1(), l2()]))],
  ["bls pair 10", "0f", rep(10, () => Buffer.concat([l1(), l2()]))],
  ["bls map1", "10", Buffer.concat([Buffer.alloc(17), rnd(47)])],
  ["bls map2", "11", Buffer.concat([Buffer.alloc(17), rnd(47), Buffer.alloc(17), rnd(47)])],
  ["blake2f 100k", "09", Buffer.concat([w(100000n, 4), rnd(208), Buffer.from([1])])],
  ["blake2f 12", "09", Buffer.concat([w(12n, 4), rnd(208), Buffer.from([1])])],
  ["modexp 32/32/32", "05", modexp(32, 32, 32)],
  ["modexp 64/64/64", "05", modexp(64, 64, 64)],
  ["modexp 256/256/256", "05", modexp(256, 256, 256)],
  ["modexp 1024/1024/1024", "05", modexp(1024, 1024, 1024)],
  ["modexp 1024/3", "05", modexp(1024, 1, 1024)],
  ["modexp 1/32/32", "05", modexp(1, 32, 32)],
  ["modexp 8/1024/8", "05", modexp(8, 1024, 8)],
  ["modexp 32/1024/32", "05", modexp(32, 1024, 32)],
  ["p256", "100", rnd(160) as Buffer],
  ["ripemd", "03", rnd(3200) as Buffer],
  ["sha", "02", rnd(3200) as Buffer],
];
for (const [name, at, data] of cases) {
  const row: string[] = [];
  let first: string | undefined;
  for (const evm of [plain, fast]) {
    const key = at.padStart(40, "0");
    const run = evm.precompiles.get(key)!;
    const opts = { data, gasLimit: 10n ** 12n, common: evm.common, _EVM: evm };
    let r = await run(opts as never);
    const hex = r.exceptionError ? "ERR" : Buffer.from(r.returnValue).toString("hex");
    if (first === undefined) first = hex;
    else if (first !== hex) console.log("DIFFERS", name);
    let n = 0;
    const t0 = performance.now();
    while (performance.now() - t0 < 200 || n < 2) {
      r = await run(opts as never);
      n++;
    }
    const dt = (performance.now() - t0) / 1e3;
    row.push(`${((Number(r.executionGasUsed) * n) / dt / 1e6).toFixed(2)} Mgas/s (${((dt / n) * 1e6).toFixed(0)}us)`);
  }
  console.log(name.padEnd(24), row.join("   "));
}
