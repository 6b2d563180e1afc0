import { existsSync, readFileSync } from 'node:fs';
import { faults } from './faults.mjs';

/**
 * What became of a planted fault.
 *
 * @typedef {object} Verdict
 * @property {string} name
 * @property {string} promise
 * @property {string} tests
 * @property {boolean} isCaught
 * @property {readonly string[]} failed the titles of the tests that failed
 */

/**
 * @param {string} file
 * @returns {readonly Verdict[]}
 */
export function readVerdicts(file) {
  return existsSync(file) ? /** @type {readonly Verdict[]} */ (JSON.parse(readFileSync(file, 'utf8'))) : [];
}

/**
 * Those of before, with these instead of what they say of the same faults, and without faults that are gone.
 *
 * @param {readonly Verdict[]} before
 * @param {readonly Verdict[]} verdicts
 * @returns {readonly Verdict[]}
 */
export function withVerdicts(before, verdicts) {
  const known = new Map([...before, ...verdicts].map((verdict) => [verdict.name, verdict]));
  return faults.flatMap(({ name }) => known.get(name) ?? []);
}

/** @param {readonly Verdict[]} verdicts */
export function tableOf(verdicts) {
  const rows = verdicts.map(({ name, promise, tests, isCaught, failed }) => {
    const by = isCaught ? `\`${tests}\`: ${failed.length} failed` : '**missed**';
    return `| ${promise} | ${name} | ${by} |`;
  });
  const caught = verdicts.filter(({ isCaught }) => isCaught).length;
  const head = `${caught} of ${verdicts.length} planted faults were caught; there are ${faults.length}.`;
  return `${[head, '', '| Promise | Planted fault | Caught by |', '| --- | --- | --- |', ...rows].join('\n')}\n`;
}
