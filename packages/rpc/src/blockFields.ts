/** Blocks as eth_getBlockBy* shows them. */
import { encodeHeader, encodeRlp, encodeRlpList, HEADER_CONSTANTS, toHex } from "@mvm/protocol";
import type { BlockView } from "./blockView.ts";
import type { Json } from "./method.ts";
import { quantity } from "./quantities.ts";
import { transactionFields } from "./transactionFields.ts";

const FIRST_LIST_BYTE = 0xc0;
const EMPTY_LIST = Uint8Array.of(FIRST_LIST_BYTE);

/** Bytes of the block as Ethereum encodes it: header, transactions, uncles, withdrawals. */
function sizeBytes({ block }: BlockView): number {
  const transactions = block.transactions.map((raw) => (raw[0]! >= FIRST_LIST_BYTE ? raw : encodeRlp(raw)));
  return encodeRlpList([encodeHeader(block.header), encodeRlpList(transactions), EMPTY_LIST, EMPTY_LIST]).length;
}

/** All fields of a block; transactions in full or by their hashes. */
export function blockFields(view: BlockView, fullTransactions: boolean): Json {
  const { header } = view.block;
  const constants = HEADER_CONSTANTS;
  return {
    number: quantity(header.number),
    hash: view.hash,
    parentHash: header.parentHash,
    nonce: toHex(constants.nonce),
    sha3Uncles: constants.ommersHash,
    logsBloom: toHex(header.logsBloom),
    transactionsRoot: header.transactionsRoot,
    stateRoot: header.stateRoot,
    receiptsRoot: header.receiptsRoot,
    miner: constants.beneficiary,
    difficulty: quantity(constants.difficulty),
    extraData: header.checkpointsRoot,
    size: quantity(sizeBytes(view)),
    gasLimit: quantity(constants.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    baseFeePerGas: quantity(header.baseFeePerGas),
    mixHash: header.prevRandao,
    withdrawalsRoot: header.withdrawalsRoot,
    blobGasUsed: quantity(constants.blobGasUsed),
    excessBlobGas: quantity(constants.excessBlobGas),
    parentBeaconBlockRoot: constants.parentBeaconBlockRoot,
    requestsHash: constants.requestsHash,
    uncles: [],
    withdrawals: [],
    transactions: view.block.transactions.map((_, index) =>
      fullTransactions ? transactionFields(view, index) : view.transactionHash(index),
    ),
  };
}
