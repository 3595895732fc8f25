import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const tests = ["packages/*/test/**/*.test.ts", "testnet/test/**/*.test.ts", "simulations/test/**/*.test.ts"];

/** The files of testnet that take minutes, the longest first: they wait for L1's clock, and two at a time should end together. */
const LONGEST = ["flowsOfTheDead", "flowsOfBatches", "liars", "flowsSideBySide", "faults"];

/** Begins with what takes longest, also where no earlier run has told what that is. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/testnet/test/${name}.test.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    include: tests,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    reporters: ["default"],
    sequence: { sequencer: LongestFirst },
  },
});
