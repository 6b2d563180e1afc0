import type { ErrorCode } from './error-codes.js';

const brand: unique symbol = Symbol.for('perdure.error') as never;

export interface PerdureErrorOptions {
  readonly cause?: unknown;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * The base of all errors that Perdure throws: a stable `code`, the facts as `data`, and a message that ends with what to
 * do next. `instanceof` holds across copies of the package.
 */
export class PerdureError extends Error {
  override readonly name: string = 'PerdureError';
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, unknown>>;
  readonly [brand] = true;

  constructor(code: ErrorCode, message: string, options: PerdureErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.data = options.data ?? {};
  }

  /** @internal Makes an error that was not constructed one of this package's. */
  static brand(error: Error): void {
    Object.defineProperty(error, brand, { value: true });
  }

  /**
   * Also true for an error of another copy of this package. The catalogue's classes are told apart by their code; a class
   * that a user derives works as usual.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!isBranded(value)) return false;
    if (this === PerdureError) return true;
    if (Object.hasOwn(this, 'code')) return value.code === (this as { readonly code?: unknown }).code;
    return Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/** Asked about whatever user code throws; a revoked Proxy, which throws when it is looked at, is none of ours. */
function isBranded(value: unknown): value is { readonly code: unknown } {
  try {
    return typeof value === 'object' && value !== null && brand in value;
  } catch {
    return false;
  }
}
