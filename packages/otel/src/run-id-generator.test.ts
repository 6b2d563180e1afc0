import { spanIdsInProcess } from '@perdure/core/internal';
import { expect, it } from 'vitest';
import { RunIdGenerator } from './run-id-generator.js';

it('gives an id that was asked for once, and its trace to a root alone', () => {
  const generator = new RunIdGenerator({ generateSpanId: () => 'own span', generateTraceId: () => 'own trace' });
  const asked = spanIdsInProcess();
  asked.next = { spanId: 'asked span', traceId: 'asked trace' };
  expect([generator.generateSpanId(), generator.generateTraceId()]).toEqual(['asked span', 'asked trace']);
  expect([generator.generateSpanId(), generator.generateTraceId()]).toEqual(['own span', 'own trace']);
  expect(asked.next).toBeNull();
});

it('keeps a trace that was asked for from the next root, where the span turned out to be none', () => {
  const generator = new RunIdGenerator({ generateSpanId: () => 'own span', generateTraceId: () => 'own trace' });
  spanIdsInProcess().next = { spanId: 'asked span', traceId: 'asked trace' };
  generator.generateSpanId();
  expect([generator.generateSpanId(), generator.generateTraceId()]).toEqual(['own span', 'own trace']);
});

it('has ids of the SDK for everything else', () => {
  const generator = new RunIdGenerator();
  expect(generator.generateSpanId()).toMatch(/^[0-9a-f]{16}$/);
  expect(generator.generateTraceId()).toMatch(/^[0-9a-f]{32}$/);
});
