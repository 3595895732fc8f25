import { describe, expect, it } from "vitest";
import { fitToEqualShares } from "../src/chiSquare.ts";

describe("fitToEqualShares", () => {
  it("agrees with the tables of the chi-square distribution", () => {
    // 0.05 quantiles: 3.841 (1 degree), 7.815 (3 degrees), 11.070 (5 degrees).
    const withStatistic = (x: number, cells: number): number[] => {
      const each = 100;
      const shift = Math.sqrt((x * each) / 2);
      return Array.from({ length: cells }, (_, i) => each + (i === 0 ? shift : i === 1 ? -shift : 0));
    };
    for (const [x, cells] of [
      [3.841, 2],
      [7.815, 4],
      [11.07, 6],
    ] as const) {
      const fit = fitToEqualShares(withStatistic(x, cells));
      expect(fit.chiSquare).toBeCloseTo(x, 6);
      expect(fit.pValue).toBeCloseTo(0.05, 4);
    }
  });

  it("finds equal counts a perfect fit and very unequal ones none", () => {
    expect(fitToEqualShares([50, 50, 50]).pValue).toBe(1);
    expect(fitToEqualShares([1000, 1, 1]).pValue).toBeLessThan(1e-9);
  });
});
