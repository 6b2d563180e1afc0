import {
  CancelledError,
  InvalidInputError,
  OverloadedError,
  RunNotFoundError,
  WorkflowConflictError,
} from '@perdure/core';
import { describe, expect, it } from 'vitest';
import { HttpProblem, problemOf, problemResponse } from './problem.js';

describe('a problem', () => {
  it.each([
    [new WorkflowConflictError('w', { reason: 'input' }), 422],
    [new OverloadedError(5), 503],
    [new RunNotFoundError('w'), 404],
    [new CancelledError('w'), 409],
    [new InvalidInputError('w', [{ message: 'bad', path: ['a', { key: 0 }] }]), 400],
  ])('is what %s means over HTTP: %i', (error, status) => {
    const problem = problemOf(error);
    expect(problem).toBeInstanceOf(HttpProblem);
    expect([problem?.status, problem?.statusCode]).toEqual([status, status]);
    // Neither ids nor the inside of the engine are for clients.
    expect(problem?.message).not.toContain('"w"');
  });

  it('is nothing that an application throws', () => {
    expect(problemOf(new Error('x'))).toBeNull();
    expect(problemOf('text')).toBeNull();
    expect(problemOf(undefined)).toBeNull();
  });

  it('is known again when it comes back from the database', () => {
    const { status, code, title, message, headers, members } = new HttpProblem(504, 'timed-out', 'T', 'D', {
      retryAfterSeconds: 3,
    });
    const stored = Object.assign(new Error(message), { name: 'HttpProblem', status, code, title, headers, members });
    expect(problemOf(stored)).toMatchObject({
      status: 504,
      code: 'timed-out',
      message: 'D',
      headers: { 'retry-after': '3' },
    });
  });

  it('links to the documentation where there is one', () => {
    const problem = new HttpProblem(422, 'key-reused', 'T', 'D', { members: { extra: 1 } });
    const linked = problemResponse(problem, { accept: null, docsUrl: 'https://a.example/docs' });
    expect(JSON.parse(String(linked.body))).toMatchObject({ type: 'https://a.example/docs#key-reused', extra: 1 });
    expect(linked.headers['link']).toBe('<https://a.example/docs>; rel="describedby"');
    expect(problemResponse(problem, { accept: null, docsUrl: null }).headers).not.toHaveProperty('link');
  });
});
