import { PerdureError } from './perdure-error.js';

const advice = {
  capture:
    'could not take along what it carries into a run, and nothing was started. See the cause; capture() must return plain data of at most 8 KiB',
  run: 'could not put back what a run carries. See the cause; run() must call its function',
} as const;

/** A carrier failed; the cause says how. */
export class CarrierError extends PerdureError {
  static readonly code = 'PERDURE_CARRIER_FAILED';
  override readonly name: string = 'CarrierError';

  constructor(carrier: string, during: 'capture' | 'run', cause: unknown) {
    super(CarrierError.code, `The carrier "${carrier}" ${advice[during]}.`, { data: { carrier, during }, cause });
  }
}
