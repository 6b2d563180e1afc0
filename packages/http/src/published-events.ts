import { createHash } from 'node:crypto';
import type { Perdure } from '@perdure/core';
import { merged } from './merged.js';
import type { Published, RunEvents } from './options.js';

/** An id has a place for each source, and may have 255 characters. */
const sourcesMax = 20;

/** What comes last, so that a client knows that it need not come back. */
export const lastEvent = 'end';

interface Source {
  readonly kind: 'stream' | 'event';
  readonly name: string;
}

interface Item {
  readonly source: number;
  readonly place: number;
  readonly data: unknown;
}

/**
 * The streams and events of a run, in the order in which they come, each under its name. The data of an event is its value;
 * of a stream it is `{ offset, value }`, or `{ offset, discarded }` for what was taken back. The last one is `end`, with the
 * run's `status`.
 *
 * @throws {RangeError} for names that do not hold
 */
export function publishedEvents(perdure: Perdure, { streams = [], events = [] }: Published): RunEvents {
  const sources: readonly Source[] = [
    ...streams.map((name): Source => ({ kind: 'stream', name })),
    ...events.map((name): Source => ({ kind: 'event', name })),
  ];
  checkNames(sources.map(({ name }) => name));
  // An id of other sources says nothing of places in these.
  const tag = createHash('sha256').update(JSON.stringify(sources)).digest('base64url').slice(0, 6);

  return async function* publish(runId, { after, signal }) {
    const next = placesIn(after, tag, sources.length);
    const open = sources.map(({ kind, name }, source) =>
      (kind === 'stream' ? streamItems : eventItems)(perdure, { runId, name, source, from: next[source] ?? 0, signal }),
    );
    const id = (): string => [tag, ...next].join('.');
    for await (const { source, place, data } of merged(open, signal)) {
      next[source] = place + 1;
      yield { id: id(), event: sources[source]?.name ?? '', data };
    }
    if (signal.aborted) return;
    const { status } = await perdure.run(runId).status();
    yield { id: id(), event: lastEvent, data: { status } };
  };
}

interface Asked {
  readonly runId: string;
  readonly name: string;
  readonly source: number;
  readonly from: number;
  readonly signal: AbortSignal;
}

async function* streamItems(
  perdure: Perdure,
  { runId, name, source, from, signal }: Asked,
): AsyncGenerator<Item, void, undefined> {
  for await (const { kind: _, ...data } of perdure.readStream(runId, name, { from, signal })) {
    yield { source, place: data.offset, data };
  }
}

async function* eventItems(
  { starter }: Perdure,
  { runId, name, source, from, signal }: Asked,
): AsyncGenerator<Item, void, undefined> {
  for (let after = from - 1; !signal.aborted;) {
    const { event } = await starter.event({ workflowId: runId, key: name, after }, signal);
    if (event === null) return;
    after = event.position;
    yield { source, place: after, data: starter.decode(event.payload) };
  }
}

function placesIn(id: string | null, tag: string, count: number): number[] {
  const places = id === null ? null : /^([^.]*)\.(\d{1,9}(?:\.\d{1,9})*)$/.exec(id);
  const known = places?.[1] === tag ? (places[2] ?? '').split('.').map(Number) : [];
  return known.length === count ? known : Array.from({ length: count }, () => 0);
}

function checkNames(names: readonly string[]): void {
  if (names.length === 0 || names.length > sourcesMax) {
    throw new RangeError(`events must name 1 to ${sourcesMax} streams and events, not ${names.length}`);
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`events names "${twice}" twice, and clients tell them apart by name`);
  if (names.includes(lastEvent)) throw new RangeError(`events names "${lastEvent}", which says that nothing follows`);
}
