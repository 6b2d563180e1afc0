import type { JobTracing } from '../../crash-points/jobs.js';

/** The manners in which the processes of crash points are traced. */
export const manners = {
  'with @perdure/otel': { level: 'otel', callersWait: false },
  'with @perdure/otel, and callers that wait': { level: 'otel', callersWait: true },
  'with any SDK': { level: 'api', callersWait: false },
  'with any SDK, and callers that wait': { level: 'api', callersWait: true },
} as const satisfies Record<string, Omit<JobTracing, 'collector'>>;
