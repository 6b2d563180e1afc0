import { cut, oneLine, padTo, widthOf, wrap } from './text.js';
import type { Colour, Terminal } from './terminal.js';

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => string;
  readonly colour?: (row: Row) => Colour | null;
  readonly align?: 'left' | 'right';
  /** Shrinks last: what somebody copies. */
  readonly isKey?: true;
  /** Left out where there is no room for it, the last one first, and where it says nothing. */
  readonly isOptional?: true;
}

const gap = 2;

/** What gives way first, and down to what: an id of usual length is whole for longest. */
const shrinking = [
  { isKey: true, least: 44 },
  { isKey: false, least: 9 },
  { isKey: true, least: 12 },
  { isKey: false, least: 4 },
] as const;

/** Rows under titles, in no more columns than the terminal has. */
export function table<Row>(terminal: Terminal, columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const cells = columns.map(({ of }) => rows.map((row) => oneLine(of(row))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...(cells[index] ?? []).map((cell) => widthOf(cell))),
  );
  const shown = columns
    .map((column, index) => ({ column, cells: cells[index] ?? [], width: natural[index] ?? 0 }))
    .filter(({ column, cells }) => column.isOptional !== true || cells.some((cell) => cell !== ''));
  const over = (): number => shown.reduce((sum, { width }) => sum + width + gap, -gap) - terminal.width;
  while (over() > 0) {
    const last = shown.findLastIndex(({ column }) => column.isOptional);
    if (last < 0) break;
    shown.splice(last, 1);
  }
  for (const { isKey, least } of shrinking) {
    for (let excess = over(); excess > 0; excess = over()) {
      const [widest, next] = shown
        .filter(({ column, width }) => (column.isKey ?? false) === isKey && width > least)
        .toSorted((a, b) => b.width - a.width);
      if (widest === undefined) break;
      widest.width -= Math.min(excess, Math.max(1, widest.width - Math.max(next?.width ?? least, least)));
    }
  }
  const line = (text: (one: (typeof shown)[number]) => string): string =>
    shown.map(text).join(' '.repeat(gap)).trimEnd();
  return [
    terminal.paint(
      'bold',
      line(({ column, width }) => padTo(cut(column.title, width), width, column.align)),
    ),
    ...rows.map((row, no) =>
      line(({ column, cells, width }) => {
        const text = padTo(cut(cells[no] ?? '', width), width, column.align);
        const colour = column.colour?.(row) ?? null;
        return colour === null ? text : terminal.paint(colour, text);
      }),
    ),
  ];
}

/** Names beside what they stand for; what is null is left out. */
export function facts(terminal: Terminal, pairs: readonly (readonly [string, string | null])[]): string[] {
  const given = pairs.flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[name, oneLine(value)] as const],
  );
  const width = Math.max(0, ...given.map(([name]) => widthOf(name)));
  return given.flatMap(([name, value]) =>
    wrap(value, terminal.textWidth - width - gap).map(
      (text, no) => `${terminal.paint('dim', padTo(no === 0 ? name : '', width))}${' '.repeat(gap)}${text}`,
    ),
  );
}
