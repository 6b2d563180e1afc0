import type { ArrayParameter, Parameter, Queryable, Row, Statement } from './database.js';
import { encodeBinaryArray } from './binary-array.js';
import { classify } from './database-errors.js';
import { withDeadline } from './deadline.js';

/** The subset of a `pg` client that is used. */
export interface ClientLike {
  query(query: { name?: string; text: string; values?: unknown[] }): Promise<{ rows: unknown[] }>;
  on(event: string, listener: (...args: never[]) => void): unknown;
  removeListener(event: string, listener: (...args: never[]) => void): unknown;
}

/** Sends a statement within a deadline. Whether the connection may be used again is told by {@link isBroken}. */
export async function send<R extends Row>(client: ClientLike, statement: Statement, timeoutMs: number): Promise<R[]> {
  const { name, text, values } = statement;
  const result = await withDeadline(client.query({ name, text, values: values.map(encode) }), timeoutMs, name);
  return result.rows as R[];
}

/** A client as a {@link Queryable}, for the statements of one transaction. */
export function queryableOf(client: ClientLike, timeoutMs: number): Queryable {
  return {
    query: (statement) => send(client, statement, timeoutMs),
    async script(sql) {
      await withDeadline(client.query({ text: sql }), timeoutMs, 'script');
    },
  };
}

/** After such an error a connection is destroyed, never given back: what it answers next may belong to another question. */
export function isBroken(error: unknown): boolean {
  return classify(error) === 'connection';
}

function encode(value: Parameter): unknown {
  return isArray(value) ? encodeBinaryArray(value) : value;
}

function isArray(value: Parameter): value is ArrayParameter {
  return typeof value === 'object' && value !== null;
}
