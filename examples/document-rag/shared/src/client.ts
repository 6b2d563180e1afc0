/** What queries go to: a pool, a client of one, or the transaction of a step. */
export interface Client {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}
