import { v7 } from 'uuid';

/** Where the engine gets randomness from; tests pass a seeded one. */
export interface Random {
  /** A new unique id (UUIDv7: ids made one after another lie side by side in an index). */
  uuid(): string;
  /** A number in [0, 1). */
  float(): number;
}

export class SystemRandom implements Random {
  uuid(): string {
    return v7();
  }

  float(): number {
    return Math.random();
  }
}
