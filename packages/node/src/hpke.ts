/**
 * What a sequencer and a seat's holder seal for each other: HPKE (RFC 9180, base mode; X25519, HKDF-SHA256, AES-256-GCM) for the first parcel, and for
 * all that follows keys that both export from it (section 9.8).
 */
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { concatBytes, fromHex, type Hash, type Hex, toHex } from "@mvm/protocol";

const KEM = new DhkemX25519HkdfSha256();
const AEAD = new Aes256Gcm();
const SUITE = new CipherSuite({ kem: KEM, kdf: new HkdfSha256(), aead: AEAD });
const ENCAPSULATED_BYTES = 32;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const encoder = new TextEncoder();

/** A parcel that its receiver cannot open: it was sealed for others, or changed on the way. */
export class SealBroken extends Error {
  readonly code = "seal-broken";
  constructor(cause?: unknown) {
    super("what was sealed does not open", { cause });
    this.name = "SealBroken";
  }
}

export type SealingKey = {
  /** 32 bytes */
  readonly publicKey: Hex;
  readonly pair: Awaited<ReturnType<typeof KEM.deriveKeyPair>>;
};

/** What both ends of a talk have, and nobody else: one key for each direction. */
export type TalkKeys = { readonly toHolder: Uint8Array; readonly toSequencer: Uint8Array };

type Exporter = { export(context: Uint8Array, length: number): Promise<ArrayBuffer> };

async function talkKeys(context: Exporter): Promise<TalkKeys> {
  const key = async (name: string): Promise<Uint8Array> =>
    new Uint8Array(await context.export(encoder.encode(`mvm/talk/1/${name}`), KEY_BYTES));
  return { toHolder: await key("to-holder"), toSequencer: await key("to-sequencer") };
}

/** A key of 32 random bytes. */
export async function sealingKey(seed: Hash): Promise<SealingKey> {
  const pair = await KEM.deriveKeyPair(fromHex(seed));
  return { pair, publicKey: toHex(new Uint8Array(await KEM.serializePublicKey(pair.publicKey))) };
}

/**
 * Begins a talk: seals its first content, bound to `info`.
 * @param seed 32 random bytes, of which the talk's own key is made
 */
export async function beginTalk(
  { receiver, info, seed }: { readonly receiver: Hex; readonly info: Uint8Array; readonly seed: Hash },
  content: Uint8Array,
): Promise<{ readonly parcel: Uint8Array; readonly keys: TalkKeys }> {
  const recipientPublicKey = await KEM.deserializePublicKey(fromHex(receiver));
  const context = await SUITE.createSenderContext({ recipientPublicKey, info, ekm: fromHex(seed) });
  const sealed = await context.seal(content);
  return { parcel: concatBytes(new Uint8Array(context.enc), new Uint8Array(sealed)), keys: await talkKeys(context) };
}

/**
 * Opens the first parcel of a talk.
 * @throws SealBroken where it was sealed for another key or another `info`, or changed
 */
export async function joinTalk(
  { key, info }: { readonly key: SealingKey; readonly info: Uint8Array },
  parcel: Uint8Array,
): Promise<{ readonly content: Uint8Array; readonly keys: TalkKeys }> {
  try {
    const enc = parcel.subarray(0, ENCAPSULATED_BYTES);
    const context = await SUITE.createRecipientContext({ recipientKey: key.pair, enc, info });
    const content = new Uint8Array(await context.open(parcel.subarray(ENCAPSULATED_BYTES)));
    return { content, keys: await talkKeys(context) };
  } catch (cause) {
    throw new SealBroken(cause);
  }
}

/**
 * Seals a later content of a talk.
 * @param entropy 32 random bytes, the first 12 of which are the nonce: a talk has far too few parts for two to be equal
 */
export async function sealPart(
  key: Uint8Array,
  { label, entropy }: { readonly label: Uint8Array; readonly entropy: Hash },
  content: Uint8Array,
): Promise<Uint8Array> {
  const nonce = fromHex(entropy).subarray(0, NONCE_BYTES);
  const sealed = await AEAD.createEncryptionContext(key).seal(nonce, content, label);
  return concatBytes(nonce, new Uint8Array(sealed));
}

/**
 * Opens what sealPart sealed.
 * @throws SealBroken where key or label are others, or it was changed
 */
export async function openPart(key: Uint8Array, label: Uint8Array, parcel: Uint8Array): Promise<Uint8Array> {
  try {
    const nonce = parcel.subarray(0, NONCE_BYTES);
    return new Uint8Array(await AEAD.createEncryptionContext(key).open(nonce, parcel.subarray(NONCE_BYTES), label));
  } catch (cause) {
    throw new SealBroken(cause);
  }
}
