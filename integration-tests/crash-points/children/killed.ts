import { postgres } from '@perdure/core';
import { live } from '../crash-run.js';
import { crashScenarios } from '../crash-scenarios.js';
import type { KilledLife } from '../killed-process.js';

const { url, schema, nowMs, scenario: name, plan } = JSON.parse(process.argv[2]!) as KilledLife;
process.once('disconnect', () => process.exit(1));
const scenario = crashScenarios().find((candidate) => candidate.name === name);
if (scenario === undefined) throw new Error(`There is no scenario "${name}"`);
const database = postgres({ url });
await live(scenario, { database, schema, nowMs }, plan, () => process.kill(process.pid, 'SIGKILL'));
await database.close();
process.exit(0);
