/** The charters of a smoke run's DACs: the three examples of the paper, and none at all. */
import { type Address, type Charter, ZERO_ADDRESS } from "@mvm/protocol";

export const CHARTER_KINDS = ["free", "deployers", "members", "blacklist"] as const;
export type CharterKind = (typeof CHARTER_KINDS)[number];

/** Who a smoke run's charters speak of. */
export type People = {
  /** may do everything everywhere */
  readonly members: readonly Address[];
  /** no member, deployer of nothing, on the blacklist */
  readonly outsider: Address;
};

const MT = 10n ** 18n;

/** 2.5 % on what a transfer has above 10 MT. */
const TAX = [{ threshold: 10n * MT, rate: 250 }];

/**
 * free: no rules, no tax. deployers: only members deploy contracts, large transfers are taxed. members: only members
 * send transactions. blacklist: all but the outsider do.
 */
export function charterOf(kind: CharterKind, { members, outsider }: People): Charter {
  const base = { mission: "Show that it works", managementContract: ZERO_ADDRESS, taxRates: [], permissions: [] };
  const allow = (opcode: string) => ({ operation: "allow", opcode, addresses: members }) as const;
  switch (kind) {
    case "free":
      return { ...base, vision: "A chain like any other" };
    case "deployers":
      return {
        ...base,
        vision: "Members build, everybody uses",
        permissions: [allow("CREATE"), allow("CREATE2")],
        taxRates: TAX,
      };
    case "members":
      return { ...base, vision: "Members only", permissions: [allow("TX")] };
    case "blacklist":
      return {
        ...base,
        vision: "Open to nearly all",
        permissions: [{ operation: "deny", opcode: "TX", addresses: [outsider] }],
      };
  }
}
