/** The time that an engine goes on for. It begins when it is asked for first, and whoever asks later gets what is left. */
export class Slice {
  readonly #lengthMs: number;
  #endsAtMs: number | null = null; // null = not begun

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  leftMs(): number {
    this.#endsAtMs ??= Date.now() + this.#lengthMs;
    return Math.max(0, this.#endsAtMs - Date.now());
  }
}
