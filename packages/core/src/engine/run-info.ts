import type { RunRecord } from '../store/records.js';
import type { Carriers } from '../workflow/carriers.js';
import type { RunInfo } from '../workflow/run-starter.js';

/** A run as it is told, with what it carries. */
export function toRunInfo(record: RunRecord, carriers: Carriers): RunInfo {
  const { context, ...info } = record;
  return { ...info, context: carriers.read(context) };
}
