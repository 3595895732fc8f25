/**
 * The threshold PRF of a DAC's storage hosts and the ceremony that makes its key. The package gives this out by a path of its
 * own, `@mvm/protocol/threshold`: it loads arithmetic of the curve that most nodes need nothing of.
 */
export {
  type Complaint,
  decodeComplaint,
  encodeComplaint,
  judgeComplaint,
  MAX_COMPLAINT_BYTES,
  type Opened,
  openDealing,
} from "./complaint.ts";
export {
  type CheckedDealing,
  checkDealing,
  type Dealing,
  type DealingFault,
  type DealOptions,
  MAX_DEALING_BYTES,
  makeDealing,
} from "./dealing.ts";
export { outcomeOf, ownShareOf, type RoundFailure, type RoundOutcome } from "./outcome.ts";
export {
  type Combined,
  combine,
  evaluatePartly,
  type PrfPart,
  type PrfPurpose,
  prfMessage,
  verifyPartly,
} from "./prf.ts";
export {
  dealingsNeeded,
  type KeyRound,
  keyRound,
  MAX_MEMBERS,
  type RoundTerms,
  type ThresholdKey,
} from "./round.ts";
