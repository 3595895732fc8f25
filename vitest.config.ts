import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const tests = ["packages/*/test/**/*.test.ts", "testnet/test/**/*.test.ts", "simulations/test/**/*.test.ts"];

/** The files that take minutes, the longest first: two at a time should end together. */
const LONGEST = [
  ...["/cli/test/commands", "/simulations/test/smoke", "/cli/test/mvm", "/l1/test/toolchain"],
  ...["/node/test/keysMigration", "/simulations/test/checkpointReplay", "/simulations/test/churn"],
].map((path) => `${path}.test.ts`);

/** Begins with what takes longest, also where no earlier run has told what that is. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((path) => moduleId.endsWith(path));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    include: tests,
    // the longest takes two minutes where nothing else runs
    testTimeout: 400_000,
    hookTimeout: 400_000,
    maxWorkers: 2,
    // half of the time of most files was to load what the one before had loaded
    isolate: false,
    reporters: ["default"],
    sequence: { sequencer: LongestFirst },
  },
});
