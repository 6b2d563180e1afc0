import type { Scenario } from '../bench.js';
import { coldStart } from './cold-start.js';
import { cost } from './cost.js';
import { drain } from './drain.js';
import { embedded } from './embedded.js';
import { growth } from './growth.js';
import { http } from './http.js';
import { latency } from './latency.js';
import { length } from './length.js';
import { recovery } from './recovery.js';
import { sequential } from './sequential.js';
import { sleepers } from './sleepers.js';
import { throughput } from './throughput.js';

export const scenarios: readonly Scenario[] = [
  sequential,
  throughput,
  drain,
  latency,
  recovery,
  sleepers,
  growth,
  cost,
  length,
  coldStart,
  embedded,
  http,
];
