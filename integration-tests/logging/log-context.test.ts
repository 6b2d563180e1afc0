import { type LoggerService, ConsoleLogger } from '@nestjs/common';
import { context, type Context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { contextFormat, log, logContext, step, workflow } from '@perdure/core';
import { logContext as requestLogContext } from '@perdure/http';
import { contextLogger } from '@perdure/nestjs';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import winston from 'winston';
import { databases } from '../support/databases.js';
import { freshDatabase, launchEngine } from '../support/engines.js';
import { jsonLines } from './lines.js';

const tracing = new BasicTracerProvider();
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracing);
});
afterAll(async () => {
  trace.disable();
  context.disable();
  await tracing.shutdown();
});

/** Runs something in an active span. */
async function inSpan<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly traceId: string; readonly spanId: string }> {
  return await trace.getTracer('test').startActiveSpan('request', async (span) => {
    const result = await work();
    span.end();
    const { traceId, spanId } = span.spanContext();
    return { result, traceId, spanId };
  });
}

/** Runs a workflow with a step, both of which say something, and says something beside it. */
async function say(write: (message: string) => void): Promise<{ readonly traceId: string; readonly spanId: string }> {
  const charge = step('charge', () => write('in the step'));
  const order = workflow('order', async () => {
    write('in the workflow');
    await charge();
  });
  const perdure = await launchEngine(await freshDatabase(databases[0]!.open), { workflows: [order] });
  await order.with({ workflowId: 'o-1', engine: perdure })();
  return await inSpan(async () => write('in a span'));
}

const inWorkflow = { message: 'in the workflow', run_id: 'o-1', workflow: 'order', run_attempt: 1 };
const inStep = { ...inWorkflow, message: 'in the step', step: 'charge', attempt: 1 };
const inTrace = ({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }) => ({
  message: 'in a span',
  trace_id: traceId,
  span_id: spanId,
  trace_flags: '01',
});

describe('the fields that tell where a line belongs', () => {
  it.each([
    ['of core', logContext],
    ['of http', requestLogContext],
  ])('go into the lines of pino, as its mixin: those %s', async (_, mixin) => {
    const { stream, lines } = jsonLines();
    const logger = pino({ mixin, messageKey: 'message' }, stream);
    const span = await say((message) => logger.info(message));
    expect(lines).toMatchObject([inWorkflow, inStep, inTrace(span)]);
    expect(lines[2]).not.toHaveProperty('run_id');
  });

  it.each([
    ['of core', undefined],
    ['of http', requestLogContext],
  ])('go into the lines of winston, as a format: those %s', async (_, fields) => {
    const { stream, lines } = jsonLines();
    const logger = winston.createLogger({
      format: winston.format.combine(contextFormat(fields), winston.format.json()),
      transports: [new winston.transports.Stream({ stream })],
    });
    const span = await say((message) => void logger.info(message));
    expect(lines).toMatchObject([inWorkflow, inStep, inTrace(span)]);
    logger.info('mine', { trace_id: 'said' });
    expect(lines[3]).toMatchObject({ trace_id: 'said' });
  });

  it("go into the lines of Nest's loggers, as text or as members, and not twice", async () => {
    const written: unknown[] = [];
    const collect = (message: unknown) => void written.push(message);
    const inner: LoggerService = { log: collect, error: collect, warn: collect };
    const logger = contextLogger(inner);
    const { traceId, spanId } = await inSpan(async () => {
      logger.log('plain', 'Context');
      logger.warn(`engine trace_id=known`);
      logger.error({ message: 'structured' });
      logger.debug?.('nobody listens');
    });
    expect(written).toEqual([
      `plain trace_id=${traceId} span_id=${spanId} trace_flags=01`,
      `engine trace_id=known span_id=${spanId} trace_flags=01`,
      { message: 'structured', trace_id: traceId, span_id: spanId, trace_flags: '01' },
    ]);
  });

  it("go through Nest's own ConsoleLogger", async () => {
    const output: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      output.push(String(text));
      return true;
    });
    try {
      const logger = contextLogger(new ConsoleLogger({ colors: false }));
      const { traceId } = await inSpan(async () => void logger.log('hello', 'Shop'));
      expect(output.join('')).toContain(`[Shop] hello trace_id=${traceId}`);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('are none outside of everything, and none of a span that is not valid', async () => {
    expect(logContext()).toEqual({});
    const nowhere: Context = trace.setSpanContext(context.active(), {
      traceId: '0'.repeat(32),
      spanId: '0'.repeat(16),
      traceFlags: 0,
    });
    context.with(nowhere, () => expect(logContext()).toEqual({}));
  });
});

describe('what a run logs', () => {
  it('goes to the logger of its engine, with its fields, and the own ones stand', async () => {
    const { stream, lines } = jsonLines();
    const greet = workflow('greet', async () => {
      log.info('hello');
      await step.run('write', () => log.warn({ length: 5, step: 'mine' }, 'written'));
    });
    const perdure = await launchEngine(await freshDatabase(databases[0]!.open), {
      workflows: [greet],
      logger: pino({ messageKey: 'message', mixin: logContext }, stream),
    });
    await greet.with({ workflowId: 'g', engine: perdure })();
    const run = { run_id: 'g', workflow: 'greet', run_attempt: 1 };
    expect(lines).toMatchObject([
      { ...run, level: 30, message: 'hello' },
      { ...run, level: 40, message: 'written', step: 'mine', attempt: 1, length: 5 },
    ]);
  });

  it('cannot fail it, whatever the logger does', async () => {
    const throwing = () => {
      throw new Error('disk full');
    };
    const logger = { debug: throwing, info: throwing, warn: throwing, error: throwing };
    const speak = workflow('speak', async () => {
      log.info('hello');
      return 'spoken';
    });
    const perdure = await launchEngine(await freshDatabase(databases[0]!.open), { workflows: [speak], logger });
    expect(await speak.with({ engine: perdure })()).toBe('spoken');
  });

  it('goes to stderr where nobody gave a logger, from info on', () => {
    const output: string[] = [];
    vi.spyOn(console, 'error').mockImplementation((line: string) => void output.push(line));
    log.debug('detail');
    log.info({ count: 1 }, 'outside of a run');
    vi.restoreAllMocks();
    expect(output).toEqual(['perdure info: outside of a run count=1']);
  });
});
