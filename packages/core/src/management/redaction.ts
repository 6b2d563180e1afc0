import type { Codec } from '../codec/codec.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { ArchivedRun, PayloadRow } from '../store/archives.js';

/** A value of a run, and what it is. */
export interface ArchivedValue {
  readonly of: 'input' | 'context' | 'attributes' | 'result' | 'error' | 'step' | 'message' | 'event' | 'stream';
  /** The step's, the topic's, the key's or the stream's; '' where there is none. */
  readonly name: string;
}

/**
 * What is left out of an archive: `all` values, the members of these names wherever they are, or what a function makes of each
 * value. A name is compared without regard to case.
 */
export type Redaction = 'all' | readonly string[] | ((value: unknown, where: ArchivedValue) => unknown);

const redacted = '[redacted]';

/** What an error carries without listing it among its members. */
const unlistedMembers = ['cause', 'errors'];

/** What the engine itself has recorded, and needs. */
const ownRecords: ReadonlySet<string> = new Set([
  'timer',
  'wait',
  'token',
  'start',
  'cancelled',
  'timed-out',
  'send',
  'cancel',
]);

/** A run with values left out. Errors lose their messages and members where all is left out, and keep their names. */
export function redact(archived: ArchivedRun, redaction: Redaction, codec: Codec): ArchivedRun {
  const change = changeOf(redaction);
  const payload = (text: string | null, where: ArchivedValue): string | null =>
    text === null ? null : codec.encodeRecord(change(codec.decode(text), where));
  const rows = <R extends PayloadRow>(list: readonly R[], of: ArchivedValue['of'], name: (row: R) => string): R[] =>
    list.map((row) => ({ ...row, payload: payload(row.payload, { of, name: name(row) }) }));
  const { run, outcome } = archived;
  const attributes = run.attributes === null ? null : change(run.attributes, { of: 'attributes', name: '' });
  return {
    run: {
      ...run,
      input: redactInput(run.input, codec, change),
      context: redaction === 'all' ? null : payload(run.context, { of: 'context', name: '' }),
      // What is no set of attributes any more could not be stored as one.
      attributes: isRecord(attributes) ? attributes : null,
    },
    outcome:
      outcome === null
        ? null
        : {
            ...outcome,
            payload: payload(outcome.payload, { of: outcome.kind === 'completed' ? 'result' : 'error', name: '' }),
          },
    checkpoints: archived.checkpoints.map((row) => {
      if (ownRecords.has(row.kind)) return row;
      if (row.kind === 'attempt' || row.kind === 'retry') return { ...row, payload: redactMarker(row, codec, change) };
      const of = row.failed ? 'error' : row.kind === 'event' ? 'event' : row.kind === 'receive' ? 'message' : 'step';
      return { ...row, payload: payload(row.payload, { of, name: row.name }) };
    }),
    transactions: rows(archived.transactions, 'step', ({ name }) => name),
    messages: rows(archived.messages, 'message', ({ topic }) => topic),
    streams: archived.streams.map((row) =>
      row.kind === 'value' ? { ...row, payload: payload(row.payload, { of: 'stream', name: row.name }) } : row,
    ),
  };
}

type Change = (value: unknown, where: ArchivedValue) => unknown;

/** The arguments, each for itself: a workflow is called with as many as before. */
function redactInput(input: string | null, codec: Codec, change: Change): string | null {
  if (input === null) return null;
  const args = codec.decode(input);
  const where = { of: 'input', name: '' } as const;
  return codec.encodeRecord(Array.isArray(args) ? args.map((arg) => change(arg, where)) : change(args, where));
}

/** The error of a try, beside the moment of the next one. */
function redactMarker({ payload, name }: PayloadRow & { readonly name: string }, codec: Codec, change: Change): string {
  const marker = codec.decode(payload) as RetryMarker;
  const { error } = marker;
  const changed = error === null ? null : codec.encodeRecord(change(codec.decodeError(error), { of: 'error', name }));
  return codec.encodeRecord({ ...marker, error: changed });
}

function changeOf(redaction: Redaction): Change {
  if (typeof redaction === 'function') return redaction;
  if (redaction === 'all') return (value) => withoutValue(value);
  const names = new Set(redaction.map((name) => name.toLowerCase()));
  return (value) => withoutMembers(value, names, new Map());
}

function withoutValue(value: unknown): unknown {
  if (!(value instanceof Error)) return value === undefined ? undefined : redacted;
  const error = new Error(redacted);
  error.name = value.name;
  delete error.stack;
  return error;
}

/** A copy, however the value refers to itself. */
function withoutMembers(value: unknown, names: ReadonlySet<string>, copies: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  const inner = (member: unknown): unknown => withoutMembers(member, names, copies);
  const isMeant = (name: unknown): boolean => typeof name === 'string' && names.has(name.toLowerCase());
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copies.set(value, copy);
    for (const item of value) copy.push(inner(item));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map<unknown, unknown>();
    copies.set(value, copy);
    for (const [key, member] of value) copy.set(inner(key), isMeant(key) ? redacted : inner(member));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set<unknown>();
    copies.set(value, copy);
    for (const member of value) copy.add(inner(member));
    return copy;
  }
  if (value instanceof Error) {
    copies.set(value, value);
    for (const name of [...Object.keys(value), ...unlistedMembers]) {
      if (!Object.hasOwn(value, name)) continue;
      const member = (value as unknown as Record<string, unknown>)[name];
      Object.assign(value, { [name]: isMeant(name) ? redacted : inner(member) });
    }
    return value;
  }
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  copies.set(value, copy);
  for (const [name, member] of Object.entries(value)) copy[name] = isMeant(name) ? redacted : inner(member);
  return copy;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
