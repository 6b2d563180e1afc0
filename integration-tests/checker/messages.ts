import type { Cases, RunCase } from './cases.js';
import type { ClientEvent, LedgerLine } from './evidence.js';
import { grouped } from './grouped.js';
import type { Finding } from './violation.js';

/** M1 */
export function wrongMessages({ runs, evidence }: Cases): Finding[] {
  return runs.flatMap((run) => {
    const received = inOrder(run.ledger.filter(({ event }) => event === 'received'));
    const sends = run.clients.filter(({ kind }) => kind === 'send');
    const { workflowId } = run;
    const finding = (what: string, history: Finding['history']): Finding => ({ workflowId, what, history });

    const twice = received.find(({ what }, index) => received.findIndex((other) => other.what === what) !== index);
    if (twice !== undefined) {
      const both = received.filter(({ what }) => what === twice.what);
      return [finding(`it received ${twice.what} twice`, both)];
    }
    const unsent = received.find(({ what }) => !sends.some((send) => send.what === what));
    if (unsent !== undefined) return [finding(`it received ${unsent.what}, which nobody sent`, [unsent])];
    return [...outOfOrder(received, sends), ...lost(run, received, sends, evidence.rules.expected.get(workflowId))].map(
      ({ what, history }) => finding(what, history),
    );
  });
}

/** A step that a crash interrupted wrote its message more than once. Receives follow each other, so their numbers do, too. */
function inOrder(lines: readonly LedgerLine[]): LedgerLine[] {
  return [...grouped(lines, ({ seq, what }) => `${seq} ${what}`).values()]
    .map(([first]) => first!)
    .toSorted((a, b) => a.seq - b.seq);
}

function outOfOrder(received: readonly LedgerLine[], sends: readonly ClientEvent[]): Found[] {
  for (const [, ofOne] of grouped(sends, (send) => `${send.client}\n${topicOf(send.what)}`)) {
    const placeOf = (what: string): number => ofOne.findIndex((send) => send.what === what);
    const places = received.map((line) => ({ line, place: placeOf(line.what) })).filter(({ place }) => place !== -1);
    const wrong = places.findIndex(({ place }, index) => index > 0 && place < places[index - 1]!.place);
    if (wrong === -1) continue;
    const [before, after] = [places[wrong - 1]!.line, places[wrong]!.line];
    const history = [...ofOne.filter(({ what }) => what === before.what || what === after.what), before, after];
    return [{ what: `it received ${after.what} after ${before.what}, which was sent later`, history }];
  }
  return [];
}

/** Only a run that takes as many as were sent must have got them all. */
function lost(
  { outcomes }: RunCase,
  received: readonly LedgerLine[],
  sends: readonly ClientEvent[],
  expected: { readonly receives: Readonly<Record<string, number>> } | undefined,
): Found[] {
  if (expected === undefined || !outcomes.some(({ kind }) => kind === 'completed')) return [];
  const acknowledged = sends.filter(({ phase }) => phase === 'ok');
  return Object.entries(expected.receives).flatMap(([topic, count]) => {
    const sent = acknowledged.filter(({ what }) => topicOf(what) === topic);
    if (new Set(sent.map(({ what }) => what)).size > count) return [];
    const missing = sent.find(({ what }) => !received.some((line) => line.what === what));
    return missing === undefined ? [] : [{ what: `it never received ${missing.what}`, history: [missing] }];
  });
}

interface Found {
  readonly what: string;
  readonly history: Finding['history'];
}

/** A message is written as its topic, a colon, and the rest. */
const topicOf = (what: string | undefined): string => what?.split(':')[0] ?? '';
