import type { ArrayParameter, Parameter, Scalar } from '../database/database.js';

/** A column that a batch of rows supplies: its name, its Postgres type, and how a row's value is turned into SQL. */
export interface Column<R> {
  readonly name: string;
  readonly type: ArrayParameter['arrayOf'];
  readonly value: (row: R) => Scalar;
  /** The expression over the supplied value, where it isn't the value itself. */
  readonly expression?: (value: string) => string;
}

/** Milliseconds since the epoch, supplied as int8, as a timestamptz. */
export const fromMs = (value: string): string => `to_timestamp(${value}::float8 / 1000)`;

/** A timestamptz as milliseconds since the epoch; read it with {@link readMs}. */
export const toMs = (expression: string): string => `date_part('epoch', ${expression}) * 1000`;

export const readMs = (value: unknown): number => Math.round(Number(value));

export const readMsOrNull = (value: unknown): number | null => (value === null ? null : readMs(value));

/** The time that a statement goes by: the parameter where tests supply one, else the database's own clock. */
export const now = (parameter: string): string => `coalesce(${fromMs(parameter)}, clock_timestamp())`;

/**
 * A set of rows as a FROM item: `values` with scalar parameters for one row, which is the fastest way to send it, and
 * `unnest` over arrays for many, so that one statement text serves every batch size.
 */
export function rowsSource<R>(columns: readonly Column<R>[], firstParameter: number, count: 'one' | 'many'): string {
  const names = columns.map((column) => column.name).join(', ');
  const parameters = columns.map(
    (column, index) => `$${firstParameter + index}::${column.type}${count === 'many' ? '[]' : ''}`,
  );
  const list = parameters.join(', ');
  return count === 'one' ? `(values (${list})) as item(${names})` : `unnest(${list}) as item(${names})`;
}

/** What {@link rowsSource} selects from each row, with the columns' expressions applied. */
export function rowsSelection<R>(columns: readonly Column<R>[]): string {
  return columns
    .map(({ name, expression }) => (expression === undefined ? `item.${name}` : expression(`item.${name}`)))
    .join(', ');
}

export const columnNames = (columns: readonly { readonly name: string }[]): string =>
  columns.map((column) => column.name).join(', ');

/** The parameters that {@link rowsSource} expects. */
export function rowsParameters<R>(columns: readonly Column<R>[], rows: readonly R[]): Parameter[] {
  const [first] = rows;
  if (rows.length === 1 && first !== undefined) return columns.map((column) => column.value(first));
  return columns.map((column) => ({ arrayOf: column.type, values: rows.map((row) => column.value(row)) }));
}
