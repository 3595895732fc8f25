import { describe, expect, it } from "vitest";
import { fitToShares } from "../src/chiSquare.ts";

describe("fitToShares", () => {
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
      const fit = fitToShares(withStatistic(x, cells), Array(cells).fill(7));
      expect(fit.chiSquare).toBeCloseTo(x, 6);
      expect(fit.pValue).toBeCloseTo(0.05, 4);
    }
  });

  it("weighs: shares in proportion are a perfect fit, equal ones none", () => {
    expect(fitToShares([100, 200, 300], [1, 2, 3]).pValue).toBe(1);
    expect(fitToShares([200, 200, 200], [1, 2, 3]).pValue).toBeLessThan(1e-9);
  });

  it("finds equal counts a perfect fit and very unequal ones none", () => {
    expect(fitToShares([50, 50, 50], [1, 1, 1]).pValue).toBe(1);
    expect(fitToShares([1000, 1, 1], [1, 1, 1]).pValue).toBeLessThan(1e-9);
  });
});
