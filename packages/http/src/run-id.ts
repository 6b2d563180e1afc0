import { createHash, randomBytes } from 'node:crypto';

/** What a key is looked up by. The raw key is in no id, log or trace, only this hash of it. */
export interface KeyScope {
  readonly namespace: string;
  readonly method: string;
  readonly path: string;
  /** Who asks, as the server knows it; null = everybody is the same. */
  readonly principal: string | null;
  readonly key: string;
}

const prefix = 'h_';
const ownerChars = 20;
const digestChars = 26;
const bytesMax = 255;

/** `h_`, then 100 bits that mark the owner, then 130 bits of the hash over everything that the key is scoped by. */
export function runIdOf({ namespace, method, path, principal, key }: KeyScope): string {
  return `${ownerMark(namespace, principal)}${hash(['key', namespace, method, path, principal, key], digestChars)}`;
}

/** For a request without a key: a run of its own, which its owner may still ask for. */
export function freshRunId(namespace: string, principal: string | null): string {
  return `${ownerMark(namespace, principal)}${base32(randomBytes(20), digestChars)}`;
}

/** Whether a run was started by a request of this principal, or by a handler during one. */
export function isOwnedBy(runId: string, namespace: string, principal: string): boolean {
  return runId.startsWith(ownerMark(namespace, principal));
}

/**
 * The run that follows one which can give no answer: its key expired, or its process died and nobody repeated the request
 * where it was taken over.
 */
export function generationOf(runId: string, generation: number): string {
  return generation === 0 ? runId : `${runId}.again${generation}`;
}

/**
 * A run that a handler starts in the course of a request. The tilde is in no id that the engine makes, and means itself
 * in a URL.
 */
export function innerRunId(runId: string, workflowName: string, occurrence: number): string {
  const suffix = occurrence === 1 ? '' : `~${occurrence}`;
  const id = `${runId}~${workflowName}${suffix}`;
  return Buffer.byteLength(id) <= bytesMax ? id : `${runId}~${hash(['name', workflowName], digestChars)}${suffix}`;
}

function ownerMark(namespace: string, principal: string | null): string {
  return `${prefix}${hash(['owner', namespace, principal], ownerChars)}`;
}

function hash(parts: readonly (string | null)[], chars: number): string {
  // As JSON, so that no two lists of parts are one text.
  return base32(createHash('sha256').update(JSON.stringify(parts)).digest(), chars);
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

function base32(bytes: Uint8Array, chars: number): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5 && text.length < chars) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return text;
}
