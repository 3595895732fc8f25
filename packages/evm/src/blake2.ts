/**
 * The BLAKE2b compression precompile (EIP-152, 0x09). Its rounds are 64-bit additions, rotations and exclusive ors,
 * which JavaScript has no fast type for: they run as WebAssembly, assembled here from the schedule of RFC 7693.
 */
import type { PrecompileResult } from "./precompiles.ts";

const EMPTY = new Uint8Array(0);
const INPUT_BYTES = 213;
const WORDS = 16;
const WORD_BYTES = 8;
/** The module's memory: working vector, then message. */
const VECTOR_BYTES = WORDS * WORD_BYTES;
/** Rounds by call, a multiple of the schedule's ten: between calls the runtime may swap in its optimised code. */
const ROUNDS_BY_CALL = 50_000;

/** Message words by round (RFC 7693, 2.7). */
const SCHEDULE = [
  "0123456789abcdef",
  "ea489fd61c02b753",
  "b8c052fdae367194",
  "7931dcbe265a40f8",
  "905724afe1bc683d",
  "2c6a0b834d75fe19",
  "c51fed4a0763928b",
  "db7ec13950f4862a",
  "6fe9b308c2d714a5",
  "a2847615fb9e3cd0",
];
/** Columns, then diagonals. */
const MIXED = ["048c", "159d", "26ae", "37bf", "05af", "16bc", "278d", "349e"];
/** Initialisation vector: the SHA-512 one, little-endian. */
const INITIAL_VECTOR = new BigUint64Array([
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
]);

const OP = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  branch: 0x0c,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load64: 0x29,
  store64: 0x37,
  const32: 0x41,
  const64: 0x42,
  isZero32: 0x45,
  subtract32: 0x6b,
  add64: 0x7c,
  xor64: 0x85,
  rotateRight64: 0x8a,
} as const;

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Local 0 counts the rounds left; the vector's words follow, then the message's. */
const vectorLocal = (word: number): number => 1 + word;
const messageLocal = (word: number): number => 1 + WORDS + word;

function mix(columns: string, first: number, second: number): number[] {
  const [a, b, c, d] = [...columns].map((digit) => vectorLocal(Number.parseInt(digit, 16))) as [
    number,
    number,
    number,
    number,
  ];
  const sum = (to: number, from: number, ...more: number[]): number[] => [
    ...[OP.get, to, OP.get, from, OP.add64],
    ...more.flatMap((local) => [OP.get, local, OP.add64]),
    ...[OP.set, to],
  ];
  const turn = (to: number, from: number, bits: number): number[] => [
    ...[OP.get, to, OP.get, from, OP.xor64, OP.const64, bits, OP.rotateRight64, OP.set, to],
  ];
  return [
    ...[sum(a, b, first), turn(d, a, 32), sum(c, d), turn(b, c, 24)],
    ...[sum(a, b, second), turn(d, a, 16), sum(c, d), turn(b, c, 63)],
  ].flat();
}

function roundsCode(): number[] {
  const words = Array.from({ length: WORDS }, (_, word) => word);
  const load = words.flatMap((word) => [
    ...[OP.const32, 0, OP.load64, 3, ...unsigned(word * WORD_BYTES), OP.set, vectorLocal(word)],
    ...[OP.const32, 0, OP.load64, 3, ...unsigned(VECTOR_BYTES + word * WORD_BYTES), OP.set, messageLocal(word)],
  ]);
  const store = words.flatMap((word) => [
    ...[OP.const32, 0, OP.get, vectorLocal(word), OP.store64, 3, ...unsigned(word * WORD_BYTES)],
  ]);
  const rounds = SCHEDULE.flatMap((row) => [
    ...[OP.get, 0, OP.isZero32, OP.branchIf, 1],
    ...MIXED.flatMap((columns, i) => {
      const [first, second] = [row[2 * i]!, row[2 * i + 1]!].map((digit) => messageLocal(Number.parseInt(digit, 16)));
      return mix(columns, first!, second!);
    }),
    ...[OP.get, 0, OP.const32, 1, OP.subtract32, OP.set, 0],
  ]);
  const locals = [1, 2 * WORDS, 0x7e];
  return [
    ...locals,
    ...load,
    ...OP.block,
    ...OP.loop,
    ...rounds,
    OP.branch,
    0,
    ...OP.end,
    ...OP.end,
    ...store,
    ...OP.end,
  ];
}

/** What we use of WebAssembly, which Node's types leave out. */
type WebAssemblyApi = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

type Rounds = { readonly memory: Uint8Array; readonly run: (rounds: number) => void };

/** A module with one page of memory, "m", and one function of the number of rounds, "r". */
function assembleRounds(): Rounds {
  const section = (id: number, contents: readonly number[]): number[] => [
    id,
    ...unsigned(contents.length),
    ...contents,
  ];
  const code = roundsCode();
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const module = new Module(
    Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 1, 0x7f, 0]),
      ...section(3, [1, 0]),
      ...section(5, [1, 0, 1]),
      ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x72, 0, 0]),
      ...section(10, [1, ...unsigned(code.length), ...code]),
    ]),
  );
  const exported = new Instance(module).exports as {
    m: { buffer: ArrayBuffer };
    r: (rounds: number) => void;
  };
  return { memory: new Uint8Array(exported.m.buffer, 0, 2 * VECTOR_BYTES), run: exported.r };
}

const { memory, run } = assembleRounds();

/** Rounds (4 bytes, big-endian), state (64), message (128), offset (16), last-block flag (1) to the next state. */
export function blake2f(input: Uint8Array, gas: number): PrecompileResult {
  const failed = { success: false, gasUsed: gas, output: EMPTY };
  const flag = input[INPUT_BYTES - 1];
  if (input.length !== INPUT_BYTES || (flag !== 0 && flag !== 1)) return failed;
  const rounds = new DataView(input.buffer, input.byteOffset).getUint32(0);
  if (gas < rounds) return failed;
  memory.set(input.subarray(4, 68));
  memory.set(new Uint8Array(INITIAL_VECTOR.buffer), 64);
  for (let i = 0; i < 16; i++) memory[96 + i]! ^= input[196 + i]!;
  if (flag === 1) for (let i = 112; i < 120; i++) memory[i]! ^= 0xff;
  memory.set(input.subarray(68, 196), VECTOR_BYTES);
  for (let left = rounds; left > 0; left -= ROUNDS_BY_CALL) run(Math.min(left, ROUNDS_BY_CALL));
  const output = input.slice(4, 68);
  for (let i = 0; i < 64; i++) output[i]! ^= memory[i]! ^ memory[64 + i]!;
  return { success: true, gasUsed: rounds, output };
}
