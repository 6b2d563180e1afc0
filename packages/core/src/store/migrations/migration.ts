/** One forward-only step of the schema. A released migration never changes. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** The statements, given the quoted schema name. */
  sql(schema: string): string;
}
