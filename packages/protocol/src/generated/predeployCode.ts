/** Generated from contracts/src/l2 by `npm run generate`. */
export const MVM_COINBASE_CODE = "0x";
