/** What an operator's commands do. It loads neither mesh nor engine: a command answers as soon as L1 does. */
export { ConfigError } from "../config.ts";
export { type CreateDacOptions, checkNewDac, createDacOnL1 } from "../createDac.ts";
export { initNode, loadNetworkFile } from "../initNode.ts";
export { type Password, type PasswordSource, readPasswordFile, toPassword } from "../password.ts";
export { type AskOptions, askOnL1, expireOnL1, payBackOnL1 } from "./asking.ts";
export { dacInformation, foundingCharter, presentCharter } from "./dacInformation.ts";
export { normaliseLabel } from "./dacLabel.ts";
export { claimFees, earnings } from "./earnings.ts";
export { exitDac, forceRaw, forceWithdrawal } from "./forcing.ts";
export { claimFile, deposit, prove, refundDeposit, type Transfer, withdraw } from "./money.ts";
export { formatAmount, parseAmount } from "./mtAmount.ts";
export {
  type Observer,
  type Operator,
  type OperatorOptions,
  type Progress,
  parseAddress,
  withObserver,
  withOperator,
} from "./operator.ts";
export { finishUnstake, type Report, stakeWith, startUnstake } from "./staking.ts";
export { operatorStatus } from "./status.ts";
