import { createHash } from 'node:crypto';

/**
 * A reproducible random generator: equal seeds give equal sequences. It is sfc32 (Chris Doty-Humphrey, PractRand), seeded
 * with a SHA-256 of the seed. Not for secrets.
 */
export class SeededRandom {
  readonly #state: Uint32Array;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.#state = Uint32Array.from([0, 4, 8, 12], (offset) => digest.readUInt32LE(offset));
  }

  /** A number in [0, 1). */
  float(): number {
    return this.#next() / 2 ** 32;
  }

  /** A UUID of version 4. */
  uuid(): string {
    const words = [this.#next(), this.#next(), this.#next(), this.#next()];
    const hex = words.map((word) => word.toString(16).padStart(8, '0')).join('');
    const variant = '89ab'[parseInt(hex.charAt(16), 16) & 3] ?? '8';
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  #next(): number {
    const state = this.#state as Uint32Array & [number, number, number, number];
    const [a, b, c, counter] = state;
    const sum = (((a + b) | 0) + counter) | 0;
    state[3] = counter + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
