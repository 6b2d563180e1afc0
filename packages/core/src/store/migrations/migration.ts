/** One forward-only step of the schema. A released migration never changes. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  /** The statements. @param schema the quoted name @param schemaName the name itself */
  sql(schema: string, schemaName: string): string;
}
