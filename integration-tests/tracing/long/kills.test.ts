import { describe, expect, it } from 'vitest';
import { TracedCluster } from '../traced-cluster.js';

/** What becomes an orphan for want of a span that is nobody's to make again. */
const mayLack = {
  // The request has ended after the start; whether its span had left the process nobody can know.
  'starts it': ['start checkout'],
  'waits for it': [],
  'enqueues it': [],
} as const;

describe.each(['waits for it', 'starts it', 'enqueues it'] as const)('the trace of a run whose caller %s', (entry) => {
  it.each([
    ['reserve', true],
    ['reserve', false],
    ['charge', true],
    ['charge', false],
    ['label', true],
    ['label', false],
  ] as const)(
    'is one when the process is killed in "%s", with everything sent that had ended: %s',
    async (gate, flushesAtGates) => {
      const cluster = await TracedCluster.create({ level: 'otel', flushesAtGates });
      const isChild = gate === 'label';
      const isQueued = entry === 'enqueues it';
      const [front, victim] = await Promise.all([
        cluster.launch('A', isChild || isQueued ? {} : { gates: [gate] }),
        cluster.launch('B', isChild || isQueued ? { queues: ['orders', 'shipping'], gates: [gate] } : {}),
      ]);
      front.ask({
        kind: 'request',
        workflowId: 'w',
        queue: isQueued ? 'orders' : null,
        waits: entry !== 'starts it',
      });
      const killed = isChild || isQueued ? victim : front;
      await killed.reaches(gate);
      await Promise.all([killed.kill(), cluster.launch('C', { queues: ['orders', 'shipping'] })]);
      expect(await cluster.outcomeOf('w')).toBe('completed');
      await cluster.finish();
      const { traces, orphans, duplicates, skewed } = cluster.view;
      expect({ traces, duplicates, skewed }).toEqual({ traces: 1, duplicates: [], skewed: [] });
      const lacking: readonly string[] = mayLack[entry];
      expect(orphans.filter((name) => !lacking.includes(name))).toEqual([]);
    },
  );
});
