import { expect, it } from 'vitest';
import { jaegerView } from './jaeger-rules.js';
import type { ReceivedSpan } from './received-span.js';

const span = (spanId: string, parentSpanId: string | null, changes: Partial<ReceivedSpan> = {}): ReceivedSpan => ({
  traceId: 't',
  spanId,
  parentSpanId,
  name: spanId,
  kind: 'INTERNAL',
  startNs: 0n,
  endNs: 100n,
  attributes: {},
  links: [],
  status: 'unset',
  statusMessage: '',
  events: [],
  resource: {},
  ...changes,
});

it('counts a span whose parent is missing as an orphan, whatever it links to', () => {
  const link = { traceId: 't', spanId: 'a' };
  const view = jaegerView([span('a', null), span('b', 'gone', { links: [link] }), span('c', 'a')]);
  expect(view).toMatchObject({ traces: 1, roots: ['a'], orphans: ['b'] });
});

it('calls a trace incomplete when a root links to what is missing in it, but not when it links elsewhere', () => {
  const view = jaegerView([
    span('a', null, { links: [{ traceId: 't', spanId: 'gone' }] }),
    span('b', null, { links: [{ traceId: 'other', spanId: 'gone' }] }),
  ]);
  expect(view).toMatchObject({ orphans: [], incomplete: ['a'] });
});

it('finds ids that come twice in a trace, and none that come in two', () => {
  const view = jaegerView([span('a', null), span('a', null, { name: 'again' }), span('a', null, { traceId: 'other' })]);
  expect(view.duplicates).toEqual(['a = again']);
});

// As in the cases of clockskew_test.go: a parent from 10 to 110.
it.each([
  ['within its parent', 20n, 100n, {}, 0],
  ['longer than its parent, and not before it', 50n, 500n, {}, 0],
  ['longer than its parent, and before it', 0n, 500n, {}, 1],
  ['before its parent', 0n, 50n, {}, 1],
  ['beyond the end of its parent', 60n, 150n, {}, 1],
  ['beyond the end of its parent on the same host', 60n, 150n, { 'host.name': 'one' }, 0],
  ['beyond the end of its parent on another host', 60n, 150n, { 'host.name': 'two' }, 1],
] as const)('warns of clock skew for a span that is %s as often as it should', (_, startNs, endNs, host, warnings) => {
  const resource = 'host.name' in host ? { 'host.name': 'one' } : {};
  const view = jaegerView([
    span('parent', null, { startNs: 10n, endNs: 110n, resource }),
    span('child', 'parent', { startNs, endNs, resource: host }),
  ]);
  expect(view.skewed).toHaveLength(warnings);
});
