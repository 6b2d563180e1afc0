/**
 * Bugs that would break a promise, one at a time, and the test that must catch each.
 *
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} promise which of P1 to P12 (ARCHITECTURE.md) it breaks
 * @property {string} file where it is planted
 * @property {string} find what is there exactly once
 * @property {string} plant what stands there instead
 * @property {string} tests the file of tests that catches it
 * @property {string} caughtBy words of the title of a test that must fail
 */

export {};
