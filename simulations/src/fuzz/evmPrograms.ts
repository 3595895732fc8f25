/** Random code that mostly gets somewhere: operands before operations, small offsets, calls among neighbours. */
import { bigIntToBytes, bytesToBigInt, joinBytes } from "@mvm/protocol";
import type { Draw } from "./draw.ts";
import type { Instruction, Program } from "./evmCase.ts";
import { PRECOMPILES, precompileInput, scalarOf } from "./evmPrecompileInputs.ts";

/**
 * Opcodes by what they take, topmost operand first: w a word, o an offset, l a length, r an offset and length within the
 * last return data, s a slot, v a value of a few wei, a an address, n a block number, b a byte's or blob's index.
 */
const OPERANDS: readonly (readonly [weight: number, opcodes: readonly number[], operands: string])[] = [
  [6, [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18], "ww"],
  [2, [0x08, 0x09], "www"],
  [2, [0x0b, 0x1a, 0x1b, 0x1c, 0x1d], "bw"],
  [1, [0x15, 0x19, 0x1e, 0x50], "w"],
  [2, [0x20], "ol"],
  [3, [0x30, 0x32, 0x33, 0x34, 0x36, 0x38, 0x3a, 0x3d, 0x58, 0x59, 0x5a, 0x5b, 0x5f], ""],
  [2, [0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x4a], ""],
  [3, [0x31, 0x3b, 0x3f], "a"],
  [1, [0x3c], "aool"],
  [1, [0x35, 0x51], "o"],
  [2, [0x37, 0x39, 0x5e], "ool"],
  [1, [0x3e], "or"],
  [1, [0x40], "n"],
  [1, [0x49], "b"],
  [3, [0x52, 0x53], "ow"],
  [3, [0x54, 0x5c], "s"],
  [5, [0x55], "sv"],
  [2, [0x55, 0x5d], "sw"],
  [1, [0xa0], "ol"],
  [1, [0xa1], "olw"],
  [1, [0xa2], "olww"],
  [1, [0xa3], "olwww"],
  [1, [0xa4], "olwwww"],
];
const ENTRIES = OPERANDS.map(([weight, opcodes, operands]) => [weight, { opcodes, operands }] as const);

const CALLS = [0xf1, 0xf1, 0xf2, 0xf4, 0xfa];
const CREATIONS = [0xf0, 0xf5];
const GAS = 0x5a;
const LARGE_GAS = (1n << 64n) - 1n;
/** gas that no check of a precompile's price stops */
const PLENTY_OF_GAS = 2_000_000n;
/** deepest program within a program: initcode, what it deploys */
const MOST_NESTED = 2;

const op = (...bytes: number[]): Instruction => Uint8Array.from(bytes);

/** PUSH of a value, now and then wider than it need be. */
export function push(value: bigint, width = 0): Instruction {
  const bytes = bigIntToBytes(value);
  const size = Math.max(bytes.length, width);
  const out = new Uint8Array(1 + size);
  out[0] = 0x5f + size;
  out.set(bytes, 1 + size - bytes.length);
  return out;
}

/** Writes code for a world whose accounts have the given addresses. */
export class ProgramWriter {
  readonly #draw: Draw;
  readonly #targets: readonly bigint[];
  readonly #firstBlock: bigint;

  /** @param firstBlock number of the chain's first block */
  constructor(draw: Draw, targets: readonly bigint[], firstBlock: bigint) {
    this.#draw = draw;
    this.#targets = targets;
    this.#firstBlock = firstBlock;
  }

  /** Code of `least` to `most` statements, with an end. */
  program(least: number, most: number, nested = 0): Program {
    const statements = Array.from({ length: this.#draw.between(least, most) }, () => this.#statement(nested)).flat();
    if (this.#draw.onceIn(60)) statements.push(this.#draw.bytes(this.#draw.below(40)));
    return [...statements, ...this.#ending()];
  }

  #operand(kind: string): Instruction[] {
    const draw = this.#draw;
    switch (kind) {
      case "o":
        return [push(draw.onceIn(80) ? draw.word() : BigInt(draw.below(200)))];
      case "l":
        return [push(BigInt(draw.below(draw.onceIn(60) ? 100_000 : 100)))];
      case "r":
        return draw.onceIn(4)
          ? [push(BigInt(draw.below(40))), push(BigInt(draw.below(40)))]
          : [op(0x3d), push(0n, draw.below(2))];
      case "s":
        return [push(draw.onceIn(20) ? draw.word() : BigInt(draw.below(4)))];
      case "v":
        return [push(BigInt(draw.below(3)))];
      case "a":
        return [this.#address()];
      case "n":
        return [push(this.#firstBlock + BigInt(draw.between(-260, 5)))];
      case "b":
        return [push(draw.onceIn(10) ? draw.word() : BigInt(draw.below(270)))];
      default:
        // Now and then what the surroundings or the stack have to say.
        if (draw.onceIn(12)) return [op(draw.pick([0x30, 0x33, 0x34, 0x36, 0x3d, 0x42, 0x47, 0x59, 0x5a, 0x80, 0x81]))];
        return [push(draw.word(), draw.onceIn(8) ? draw.between(1, 32) : 0)];
    }
  }

  #address(): Instruction {
    const draw = this.#draw;
    const kind = draw.below(20);
    if (kind === 0) return op(draw.pick([0x30, 0x32, 0x33, 0x41]));
    if (kind === 1) return push(draw.word());
    if (kind < 5) return push(draw.pick(PRECOMPILES));
    return push(draw.pick(this.#targets));
  }

  #with(operands: string, ...opcodes: number[]): Instruction[] {
    const pushed = [...operands].map((kind) => this.#operand(kind));
    return [...pushed.reverse().flat(), op(...opcodes)];
  }

  #statement(nested: number): Instruction[] {
    const draw = this.#draw;
    const kind = draw.below(100);
    if (kind < 62) {
      const { opcodes, operands } = draw.weighted(ENTRIES);
      return this.#with(operands, draw.pick(opcodes));
    }
    if (kind < 76) return this.#call();
    if (kind < 83) return this.#precompile();
    if (kind < 90) return nested < MOST_NESTED ? this.#creation(nested) : this.#call();
    if (kind < 94) return [op(draw.onceIn(6) ? draw.between(0x80, 0x9f) : draw.pick([0x80, 0x81, 0x90, 0x91]))];
    if (kind < 96) return this.#jump();
    if (kind < 99) return this.#with("s", 0x55);
    return [op(draw.onceIn(2) ? draw.below(256) : 0xff)];
  }

  #gas(): Instruction {
    const kind = this.#draw.below(10);
    if (kind < 5) return op(GAS);
    return push(kind < 7 ? LARGE_GAS : BigInt(this.#draw.below(kind < 9 ? 60_000 : 3_000)));
  }

  #call(): Instruction[] {
    const opcode = this.#draw.pick(CALLS);
    const operands = [...this.#operands("olol"), this.#address(), this.#gas()];
    if (opcode === 0xf1 || opcode === 0xf2) operands.splice(4, 0, ...this.#operands("v"));
    return [...operands, op(opcode), ...this.#afterCall()];
  }

  #operands(kinds: string): Instruction[] {
    return [...kinds].flatMap((kind) => this.#operand(kind)).reverse();
  }

  /** What makes a call's result show: kept in a slot, its data hashed or logged. */
  #afterCall(): Instruction[] {
    const copied = [op(0x3d), push(0n), push(0n), op(0x3e)];
    switch (this.#draw.below(5)) {
      case 0:
        return this.#with("s", 0x55);
      case 1:
        return [...copied, op(0x3d), push(0n), op(0xa0)];
      case 2:
        return [...copied, op(0x3d), push(0n), op(0x20), push(BigInt(this.#draw.below(4))), op(0x55)];
      default:
        return [];
    }
  }

  /** Puts bytes into memory at 0. */
  #inMemory(bytes: Uint8Array): Instruction[] {
    const out: Instruction[] = [];
    for (let at = 0; at < bytes.length; at += 32) {
      const word = new Uint8Array(32);
      word.set(bytes.subarray(at, at + 32));
      out.push(push(bytesToBigInt(word)), push(BigInt(at)), op(0x52));
    }
    return out;
  }

  #precompileCall(address: bigint, inputLength: number, outLength: number): Instruction[] {
    const draw = this.#draw;
    const opcode = draw.pick(CALLS);
    const gas = draw.onceIn(5) ? push(BigInt(draw.below(50_000))) : draw.onceIn(3) ? op(GAS) : push(PLENTY_OF_GAS);
    const ranges = [push(BigInt(outLength)), push(0n), push(BigInt(inputLength)), push(0n)];
    const value = opcode === 0xf1 || opcode === 0xf2 ? [push(BigInt(draw.onceIn(6) ? 1 : 0))] : [];
    return [...ranges, ...value, push(address), gas, op(opcode)];
  }

  #precompile(): Instruction[] {
    const draw = this.#draw;
    if (draw.onceIn(6)) return this.#curvePoint();
    const address = draw.pick(PRECOMPILES);
    const input = precompileInput(address, draw);
    return [
      ...this.#inMemory(input),
      ...this.#precompileCall(address, input.length, draw.below(130)),
      ...this.#afterCall(),
    ];
  }

  /** A point of BLS12-381 made by mapping, then multiplied, doubled or given to the pairing. */
  #curvePoint(): Instruction[] {
    const isFirst = this.#draw.onceIn(2);
    const pointBytes = isFirst ? 128 : 256;
    const element = precompileInput(isFirst ? 0x10n : 0x11n, this.#draw);
    const made = [
      ...this.#inMemory(element),
      ...this.#precompileCall(isFirst ? 0x10n : 0x11n, element.length, pointBytes),
    ];
    const scalar = [push(bytesToBigInt(scalarOf(this.#draw))), push(BigInt(pointBytes)), op(0x52)];
    const doubled = [push(BigInt(pointBytes)), push(0n), push(BigInt(pointBytes)), op(0x5e)];
    switch (this.#draw.below(3)) {
      case 0:
        return [
          ...made,
          ...scalar,
          ...this.#precompileCall(isFirst ? 0xcn : 0xen, pointBytes + 32, pointBytes),
          ...this.#afterCall(),
        ];
      case 1:
        return [
          ...made,
          ...doubled,
          ...this.#precompileCall(isFirst ? 0xbn : 0xdn, 2 * pointBytes, pointBytes),
          ...this.#afterCall(),
        ];
      default:
        return [...made, ...this.#precompileCall(0xfn, 384, 32), ...this.#afterCall()];
    }
  }

  /** Initcode that runs a little and deploys something, or fails to. */
  #initcode(nested: number): Program {
    const draw = this.#draw;
    const before = draw.onceIn(2) ? this.program(0, 3, nested + 1).slice(0, -1) : [];
    const runtime = joinBytes(draw.onceIn(3) ? [op(0x33, 0xff)] : this.program(1, 4, nested + 1));
    switch (draw.below(8)) {
      case 0:
        return [...before, ...this.#ending()];
      case 1:
        return [...before, push(0xefn), push(0n), op(0x53), push(1n), push(0n), op(0xf3)];
      case 2:
        return [...before, push(draw.pick([0x6000n, 0x6001n, 0x7000n])), push(0n), op(0xf3)];
      default:
        return [...before, ...this.#inMemory(runtime), push(BigInt(runtime.length)), push(0n), op(0xf3)];
    }
  }

  /** Makes a contract from memory, and mostly calls it twice. */
  #creation(nested: number): Instruction[] {
    const draw = this.#draw;
    const opcode = draw.pick(CREATIONS);
    const initcode = joinBytes(this.#initcode(nested));
    const salt = opcode === 0xf5 ? [push(BigInt(draw.below(2)))] : [];
    const operands = [...salt, push(BigInt(initcode.length)), push(0n), push(BigInt(draw.below(2)))];
    const call = [
      ...[push(0n), push(0n), push(0n), push(0n), push(BigInt(draw.below(2)))],
      op(0x85),
      op(GAS),
      op(0xf1),
      op(0x50),
    ];
    const calls = draw.onceIn(4) ? [] : draw.onceIn(2) ? call : [...call, ...call];
    return [...this.#inMemory(initcode), ...operands, op(opcode), ...calls];
  }

  /** Jumps by position in the code, so that they may stand anywhere: over an INVALID, around a loop, to anywhere. */
  #jump(): Instruction[] {
    const draw = this.#draw;
    if (draw.onceIn(12)) return this.#with("w", 0x56);
    if (draw.onceIn(3)) return this.#loop();
    const over = [op(0x58), op(0x60, 0x07), op(0x01), op(0x57), op(0xfe), op(0x5b), op(0x5b)];
    return [push(BigInt(draw.below(2))), ...over];
  }

  /** Goes round until no more than some gas is left. */
  #loop(): Instruction[] {
    const body = this.#with("sw", 0x55);
    const condition = [push(BigInt(this.#draw.between(1, 90) * 1_000)), op(GAS), op(0x11)];
    const back = BigInt(joinBytes([...body, ...condition]).length + 1);
    return [op(0x5b), ...body, ...condition, op(0x58), push(back), op(0x90), op(0x03), op(0x57)];
  }

  #ending(): Instruction[] {
    const kind = this.#draw.below(40);
    if (kind < 10) return [op(0x00)];
    if (kind < 19) return [op(0x59), push(0n), op(0xa0), op(0x00)];
    if (kind < 30) return this.#with("ol", 0xf3);
    if (kind < 33) return [op(0x59), push(0n), op(0xf3)];
    if (kind < 36) return this.#with("ol", 0xfd);
    if (kind < 37) return [op(0xfe)];
    return this.#with("a", 0xff);
  }
}
