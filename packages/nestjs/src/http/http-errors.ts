import * as common from '@nestjs/common';
import { HttpException } from '@nestjs/common';
import type { ErrorClass } from '@perdure/core';
import { type HttpProblem, type HttpResponse, problemOf } from '@perdure/http';

/** Nest's own exceptions, which come back as themselves from a recorded step. */
export const nestErrors: readonly ErrorClass[] = Object.values(common as Record<string, unknown>).filter(
  (it): it is ErrorClass =>
    typeof it === 'function' && (it === HttpException || HttpException.prototype.isPrototypeOf(it.prototype as object)),
);

/** What is wrong with a request, as an exception that filters see. */
export class PerdureProblemException extends HttpException {
  readonly problem: HttpProblem;
  /** The response that says so. */
  readonly rendered: HttpResponse;
  /** Where GraphQL looks for what else is known of an error. */
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(problem: HttpProblem, rendered: HttpResponse) {
    const members = JSON.parse(String(rendered.body)) as Record<string, unknown>;
    super(members, problem.status, { cause: problem, description: problem.message });
    this.extensions = members;
    this.message = problem.message;
    this.problem = problem;
    this.rendered = rendered;
  }
}

/**
 * What an error means to Nest: a problem for one of Perdure's, an `HttpException` for one that came back from the
 * database and whose class the engine does not know, and otherwise the error itself.
 */
export function toException(error: unknown, show: (problem: HttpProblem) => HttpResponse): unknown {
  if (error instanceof HttpException) return error;
  const problem = problemOf(error);
  if (problem !== null) return new PerdureProblemException(problem, show(problem));
  if (!isStoredException(error)) return error;
  const revived = new HttpException(error.response, error.status, { cause: error.cause });
  return Object.assign(revived, { name: error.name, message: error.message });
}

/** The members of an `HttpException`, without its class. */
function isStoredException(
  error: unknown,
): error is Error & { readonly response: string | Record<string, unknown>; readonly status: number } {
  if (!(error instanceof Error) || !('response' in error) || !('status' in error)) return false;
  const { response, status } = error;
  const isStatus = Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599;
  return (
    isStatus &&
    (typeof response === 'string' || (typeof response === 'object' && response !== null)) &&
    error.name.endsWith('Exception')
  );
}

/** What {@link toException} makes an exception of; for `@Catch`, which looks with `instanceof`. */
// oxlint-disable-next-line typescript/no-extraneous-class -- `instanceof` takes nothing but classes
export abstract class ErrorWithMeaning {
  static [Symbol.hasInstance](error: unknown): boolean {
    return !(error instanceof HttpException) && (problemOf(error) !== null || isStoredException(error));
  }
}
