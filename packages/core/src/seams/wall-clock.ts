import type { EpochMs } from './clock.js';

/**
 * What this process's own clock says. Only traces go by it: their spans stand beside those of other instrumentation, which
 * knows no other time, while everything that is decided goes by the {@link Clock}.
 */
export const wallMs = (): EpochMs => Date.now();

/** A moment within a span that is under way, as the OpenTelemetry API takes it. */
export const spanMoment = (): number => performance.now();
