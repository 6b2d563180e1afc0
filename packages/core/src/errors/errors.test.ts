import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createCodec } from '../codec/codec.js';
import * as exported from '../index.js';
import * as catalogue from './catalogue.js';
import type { ErrorCode } from './error-codes.js';
import { PerdureError } from './perdure-error.js';

describe('the catalogue of errors', () => {
  it('has one code for each class, which begins with PERDURE_', () => {
    const codes = Object.values(catalogue).map((errorClass) => errorClass.code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^PERDURE_[A-Z_]+$/);
  });

  it('holds every class of the package, each of which applications can import', () => {
    const declared = sources().flatMap((text) =>
      [...text.matchAll(/class (\w+) extends PerdureError\b/g)].map(([, name]) => name),
    );
    expect(new Set(Object.keys(catalogue))).toEqual(new Set(declared));
    expect(exported).toMatchObject(catalogue);
  });

  it('has a class for every code', () => {
    expectTypeOf<(typeof catalogue)[keyof typeof catalogue]['code']>().toEqualTypeOf<ErrorCode>();
  });

  it('comes back from a recorded step as it was', () => {
    const codec = createCodec({ errorClasses: [], maxBytes: 1_000 });
    for (const errorClass of Object.values(catalogue)) {
      const stored = { name: errorClass.name, code: errorClass.code, message: 'm' };
      const error = Object.assign(Object.create(errorClass.prototype) as PerdureError, stored);
      PerdureError.brand(error);
      const back = codec.decodeError(codec.encodeError(error));
      expect(back).toBeInstanceOf(errorClass);
      expect(back).toMatchObject(stored);
    }
  });

  it.each([
    [
      new catalogue.WorkflowConflictError('order-42', { reason: 'input' }),
      { workflowId: 'order-42', reason: 'input' },
      'Use another workflowId',
    ],
    [
      new catalogue.WorkflowConflictError('order-42', { reason: 'workflow', existing: 'a', given: 'b' }),
      { workflowId: 'order-42', reason: 'workflow', existing: 'a', given: 'b' },
      'as workflow "a", not "b"',
    ],
    [
      new catalogue.DuplicateWorkflowError('a', 'a.ts:1', 'b.ts:2'),
      { name: 'a', firstAt: 'a.ts:1', secondAt: 'b.ts:2' },
      'Give one of them another name',
    ],
    [new catalogue.RunNotFoundError('w'), { workflowId: 'w' }, 'Check the id'],
    [new catalogue.CancelledError('w'), { workflowId: 'w' }, 'under another workflowId'],
    [new catalogue.WorkflowTimeoutError('w', 0), { workflowId: 'w', deadlineAt: 0 }, '1970-01-01T00:00:00.000Z'],
    [new catalogue.StepTimeoutError('s', 5), { stepName: 's', timeoutMs: 5 }, 'currentRun().signal'],
    [new catalogue.RunDeadError(3), { crashesMax: 3 }, 'status().crashes'],
    [new catalogue.PayloadTooLargeError(9, 8), { bytes: 9, bytesMax: 8 }, 'maxPayloadBytes'],
    [new catalogue.UnsupportedValueError('$.a', 'a function'), { path: '$.a', type: 'a function' }, 'plain data'],
    [new catalogue.NotLaunchedError(), {}, 'await Perdure.launch()'],
    [new catalogue.EngineStoppedError('w'), { workflowId: 'w' }, 'ask there by workflowId'],
    [new catalogue.EngineStoppedError(null), { workflowId: null }, 'ask there by workflowId'],
    [new catalogue.SchemaMissingError('s', 0, 1), { schema: 's', found: 0, needed: 1 }, 'printMigrations()'],
    [new catalogue.SchemaTooNewError('s', 2, 1), { schema: 's', found: 2, known: 1 }, 'Upgrade @perdure/core'],
    [new catalogue.DatabaseRefusedError('login', new Error('no')), { reason: 'login' }, 'the password'],
    [new catalogue.DatabaseUnavailableError(new Error('no')), { reason: 'unreachable' }, 'DATABASE_URL'],
    [new catalogue.DatabaseClosedError(), {}, 'Open another one'],
    [new catalogue.DeletionRefusedError(['p.runs'], new Error('no')), { tables: ['p.runs'] }, 'GRANT DELETE ON p.runs'],
    [new catalogue.DeadlineError(5), { timeoutMs: 5 }, 'holds a lock'],
    [new catalogue.FolderInUseError('f', 7), { folder: 'f', pid: 7 }, 'Close the other one'],
    [new catalogue.InvariantError('What cannot be, is'), {}, 'please report it'],
  ])('says what happened and what to do: $name', (error, data, advice) => {
    expect(error).toBeInstanceOf(PerdureError);
    expect(error.name).toBe(error.constructor.name);
    expect(error.data).toEqual(data);
    expect(error.message).toContain(advice);
  });
});

function sources(): string[] {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => readFileSync(folder + path, 'utf8'));
}
