/**
 * When a process dies: before a statement is sent; after it committed, without hearing of it; or one turn of the event loop
 * after it heard.
 */
export type Phase = 'before' | 'unheard' | 'after';

/** A moment at which a process can die. Within a transaction there is only one for each statement: before it. */
export interface CrashPoint {
  /** Of the statement; see {@link nameOf}. */
  readonly name: string;
  /** The how manieth of that name in the process. */
  readonly nth: number;
  readonly phase: Phase;
}

/** A statement's name without what is different in each schema. */
export function nameOf(statement: { readonly name: string }): string {
  return statement.name
    .replace(/^perdure_[0-9a-f]{8}_/, '')
    .replace(/^perdure_migrate_version_.*/, 'perdure_migrate_version')
    .replace(/^perdure_/, '');
}

export function isSamePoint(a: CrashPoint, b: CrashPoint): boolean {
  return a.name === b.name && a.nth === b.nth && a.phase === b.phase;
}

/** The statement and the phase, whichever time it is. */
const kindOf = ({ name, phase }: CrashPoint): string => `${phase} ${name}`;

/** The same, where the forms of a flush count as one. */
export const familyOf = (point: CrashPoint): string => kindOf(point).replace(/(_(none|one|many)){3}$/, '');

export const describePoint = (point: CrashPoint): string => `${kindOf(point)} no. ${point.nth}`;
