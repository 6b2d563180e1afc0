/** What `redirect()`, `notFound()` and the like throw, and what Next throws to itself. It must reach Next as it is. */
export function isControlFlow(error: unknown): boolean {
  const digest = digestOf(error);
  return digest !== null && /^(NEXT_|DYNAMIC_SERVER_USAGE|BAILOUT_TO_CLIENT|HANGING_PROMISE)/.test(digest);
}

/** The same handler, which answers instead of throwing where Next would make a response of what it throws. */
export function landing<Args extends readonly unknown[]>(
  handler: (...args: Args) => Response | Promise<Response>,
): (...args: Args) => Promise<Response> {
  return async (...args) => {
    try {
      return await handler(...args);
    } catch (error) {
      const response = responseOfControlFlow(error);
      if (response === null) throw error;
      return response;
    }
  };
}

function responseOfControlFlow(error: unknown): Response | null {
  const digest = digestOf(error) ?? '';
  const redirect = /^NEXT_REDIRECT;(?:push|replace);([^]*);(\d{3});$/.exec(digest);
  if (redirect !== null) {
    return new Response(null, { status: Number(redirect[2]), headers: { location: redirect[1] ?? '/' } });
  }
  const status = /^NEXT_HTTP_ERROR_FALLBACK;(\d{3})$/.exec(digest)?.[1];
  return status === undefined ? null : new Response(null, { status: Number(status) });
}

function digestOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('digest' in error)) return null;
  return typeof error.digest === 'string' ? error.digest : null;
}
