/** One message of Postgres's protocol, with all its bytes. */
export interface Frame {
  /** The letter that says what it is; empty for a client's first message, which has none. */
  readonly type: string;
  readonly bytes: Buffer;
}

/** Cuts what one side sends into messages, however it arrives. TLS is not spoken here. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #isFirst: boolean;

  constructor(side: 'client' | 'server') {
    this.#isFirst = side === 'client';
  }

  read(chunk: Buffer): Frame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    for (;;) {
      const typeBytes = this.#isFirst ? 0 : 1;
      if (this.#rest.length < typeBytes + 4) return frames;
      const length = typeBytes + this.#rest.readInt32BE(typeBytes);
      if (this.#rest.length < length) return frames;
      const bytes = this.#rest.subarray(0, length);
      frames.push({ type: bytes.toString('latin1', 0, typeBytes), bytes });
      this.#rest = this.#rest.subarray(length);
      this.#isFirst = false;
    }
  }
}
