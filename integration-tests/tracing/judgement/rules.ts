import { incompleteOf, jaegerView, orphansOf } from '../jaeger-rules.js';
import type { ReceivedSpan } from '../received-span.js';
import type { Evidence, RunFact } from './evidence.js';
import { vocabulary } from './vocabulary.js';

/** What a rule found: of how many things it could say something, and what is wrong. */
export interface Finding {
  readonly checked: number;
  readonly violations: readonly string[];
  /** What nothing can be done about without given ids. */
  readonly excused?: number;
}

export type Rule = (evidence: Evidence) => Finding;

const label = (span: ReceivedSpan): string => String(span.resource['service.instance.id']);
const workflowOf = ({ attributes }: ReceivedSpan): unknown => attributes['perdure.workflow.id'];
const isAnchorOf = (span: ReceivedSpan, run: RunFact): boolean =>
  workflowOf(span) === run.workflowId && 'perdure.run.reason' in span.attributes;

const isStart = ({ attributes }: ReceivedSpan): boolean => 'perdure.start.kind' in attributes;

/** A start that made a run, not one that found it or failed. */
const isOwnSpan = (span: ReceivedSpan): boolean =>
  span.attributes['perdure.deduplicated'] !== true && !(isStart(span) && span.status === 'error');

/** All spans of a run are in one trace, which is its parent's; without given ids, each execution may begin one where the start was lost. */
const oneTrace: Rule = ({ runs, spans, tracing, killed }) => {
  const tracesOf = new Map(
    runs.map(({ workflowId }) => [
      workflowId,
      new Set(spans.filter((span) => workflowOf(span) === workflowId && isOwnSpan(span)).map(({ traceId }) => traceId)),
    ]),
  );
  const mayBegin = tracing.level === 'api' && killed.size > 0;
  const traced = runs.filter(({ isTraced }) => isTraced);
  const violations = traced.flatMap(({ workflowId, parentId }) => {
    const own = tracesOf.get(workflowId)!;
    const tooMany = own.size > 1 && !mayBegin ? [`${workflowId} is in ${own.size} traces`] : [];
    const parents = parentId === null ? undefined : tracesOf.get(parentId);
    const isApart = parents !== undefined && !mayBegin && [...own].some((id) => !parents.has(id));
    return isApart ? [...tooMany, `${workflowId} is in another trace than its parent`] : tooMany;
  });
  return { checked: traced.length, violations };
};

/**
 * Without given ids, what was open when its process was killed is lost, and what hangs on that is an orphan: a request, and the
 * span of a step with a call of another service in it. Where the start is lost with its request, it is the run that hangs
 * on nothing.
 */
function isForWantOfAnother(span: ReceivedSpan, spans: readonly ReceivedSpan[]): boolean {
  if (/^(start |send |cancel$|POST$)/.test(span.name)) return true;
  const isBesideRun = spans.some(
    (it) =>
      'perdure.run.reason' in it.attributes && it.parentSpanId === span.parentSpanId && it.traceId === span.traceId,
  );
  return isBesideRun && !spans.some((it) => isStart(it) && isOwnSpan(it) && workflowOf(it) === workflowOf(span));
}

/**
 * A request that waited for a run and was killed when that had ended, so that nobody takes the run over; or whose process and
 * the one that told of it were both killed.
 */
function isOfLostRequest(span: ReceivedSpan, { spans, killed, tracing }: Evidence): boolean {
  if (!isStart(span) || !tracing.callersWait || !killed.has(label(span))) return false;
  if (killed.size > 1) return true;
  const goesOn = (it: ReceivedSpan): boolean => it.attributes['perdure.run.reason'] !== 'handover';
  return !spans.some(
    (it) =>
      'perdure.run.reason' in it.attributes &&
      workflowOf(it) === workflowOf(span) &&
      !killed.has(label(it)) &&
      goesOn(it),
  );
}

/**
 * A call in a step whose process was killed: right after the step was recorded, before its span was sent; or where the next
 * process had other code, and did not come to that step.
 */
function isOfLostStep(span: ReceivedSpan, { spans, steps, killed }: Evidence): boolean {
  if (span.kind !== 'CLIENT' || !killed.has(label(span))) return false;
  const sent = [...triesIn(spans, 'committed').values(), ...triesIn(spans, 'failed').values()];
  const isLacking = sent.reduce((sum, count) => sum + count, 0) < steps.length;
  return isLacking || spans.some(({ attributes }) => attributes['perdure.outcome'] === 'blocked');
}

const noOrphans: Rule = (evidence) => {
  const { spans, tracing, killed } = evidence;
  const mayLack = tracing.level === 'api' && killed.size > 0;
  const orphans = [...new Set([...orphansOf(spans), ...incompleteOf(spans)])];
  const wrong = orphans.filter(
    (span) =>
      !(mayLack && isForWantOfAnother(span, spans)) &&
      !isOfLostRequest(span, evidence) &&
      !isOfLostStep(span, evidence),
  );
  return {
    checked: spans.length,
    violations: wrong.map(({ name }) => `${name} is an orphan`),
    excused: orphans.length - wrong.length,
  };
};

const noDuplicates: Rule = ({ spans }) => ({ checked: spans.length, violations: jaegerView(spans).duplicates });

/** Of how many tries of a step there are spans with this outcome, by run, place in it and name. */
function triesIn(spans: readonly ReceivedSpan[], outcome: 'committed' | 'failed'): Map<string, number> {
  const counts = new Map<string, number>();
  for (const span of spans) {
    const { 'perdure.step.seq': seq, 'perdure.step.name': name, 'perdure.outcome': own } = span.attributes;
    if (own !== outcome || seq === undefined) continue;
    const key = JSON.stringify([workflowOf(span), seq, name]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** No step has two spans, and none has one that was not recorded. */
const nothingTwice: Rule = ({ spans, steps }) => {
  const violations: string[] = [];
  let checked = 0;
  for (const outcome of ['committed', 'failed'] as const) {
    for (const [key, count] of triesIn(spans, outcome)) {
      checked += 1;
      const recorded = steps.filter(
        ({ workflowId, seq, name, hasFailed }) =>
          JSON.stringify([workflowId, seq, name]) === key && hasFailed === (outcome === 'failed'),
      ).length;
      if (count > recorded)
        violations.push(`${key} has ${count} spans that say "${outcome}", and was recorded ${recorded} times`);
    }
  }
  return { checked, violations };
};

/** A process that goes on with an attempt leaves a mark of its own. */
const beginsAttempt = ({ attributes }: ReceivedSpan): boolean =>
  !['resume', 'retry'].includes(String(attributes['perdure.run.reason']));

/** What is recorded has a span, unless a process was killed before it had sent that. */
const nothingMissing: Rule = ({ spans, steps, runs, killed }) => {
  const traced = new Map(runs.filter(({ isTraced }) => isTraced).map((run) => [run.workflowId, run]));
  const mayBeLost = (run: RunFact, attempt: number): boolean => {
    const makers = spans.filter((span) => isAnchorOf(span, run) && span.attributes['perdure.attempt'] === attempt);
    const isPeaceful = makers.some(beginsAttempt) && !makers.some((span) => killed.has(label(span)));
    return killed.size > 0 && (run.deaths.has(attempt) || !isPeaceful);
  };
  const lacking = new Map<string, number>();
  let checked = 0;
  for (const { workflowId, seq, name, attempt, hasFailed } of steps) {
    const run = traced.get(workflowId);
    if (run === undefined) continue;
    checked += 1;
    const key = `${hasFailed ? 'failed' : 'committed'} ${JSON.stringify([workflowId, seq, name])}`;
    lacking.set(key, (lacking.get(key) ?? 0) + (mayBeLost(run, attempt) ? 0 : 1));
  }
  for (const outcome of ['committed', 'failed'] as const) {
    for (const [key, count] of triesIn(spans, outcome)) {
      lacking.set(`${outcome} ${key}`, (lacking.get(`${outcome} ${key}`) ?? 0) - count);
    }
  }
  const violations = [...lacking].filter(([, count]) => count > 0).map(([key, count]) => `${key} lacks ${count} spans`);
  return { checked, violations };
};

/** What hangs on a request for want of a start that was surely sent begins after that request; see `placeOf`. */
const noSkew: Rule = ({ spans, tracing, killed }) => {
  const isBesides = (warning: string): boolean =>
    tracing.level === 'api' && killed.size > 0 && / under POST \/asked: /.test(warning);
  return { checked: spans.length, violations: jaegerView(spans).skewed.filter((warning) => !isBesides(warning)) };
};

/** Each attempt has its mark, or what another process said of it; a process that died is seen as an error. */
const everyAttempt: Rule = ({ spans, runs, killed }) => {
  const violations: string[] = [];
  let checked = 0;
  for (const run of runs.filter(({ isTraced }) => isTraced)) {
    const anchors = spans.filter((span) => isAnchorOf(span, run));
    const lost = spans.filter(
      (span) =>
        workflowOf(span) === run.workflowId &&
        span.attributes['error.type'] === 'executor-lost' &&
        span.name.startsWith('execute '),
    );
    for (const attempt of new Set(anchors.map(({ attributes }) => Number(attributes['perdure.attempt'])))) {
      checked += 1;
      const begun = anchors.filter((span) => span.attributes['perdure.attempt'] === attempt && beginsAttempt(span));
      if (begun.length > 1) violations.push(`attempt ${attempt} of ${run.workflowId} began ${begun.length} times`);
      if (attempt > run.attempt) violations.push(`${run.workflowId} has had no attempt ${attempt}`);
    }
    for (const [attempt] of run.deaths) {
      checked += 1;
      const said = lost.filter(
        ({ attributes, status }) => attributes['perdure.attempt'] === attempt && status === 'error',
      );
      const isTold = anchors.some(({ attributes }) => attributes['perdure.attempt'] === attempt + 1);
      if (said.length > 1 || (isTold && said.length === 0)) {
        violations.push(`the end of attempt ${attempt} of ${run.workflowId} is told ${said.length} times`);
      }
      const isLast = anchors.some((it) => !killed.has(label(it)));
      if (!isLast && killed.size === 0) violations.push(`${run.workflowId} has no span of a process that lives`);
    }
  }
  return { checked, violations };
};

/** A run that was taken over shows both processes: the one that died by its spans, or by what is said in its place. */
const bothProcesses: Rule = ({ spans, runs }) => {
  const recovered = runs.filter(({ isTraced, deaths }) => isTraced && deaths.size > 0);
  const violations = recovered.flatMap((run) => {
    const own = spans.filter((span) => workflowOf(span) === run.workflowId);
    const executors = new Set(
      own.map(({ attributes }) => attributes['perdure.executor.id']).filter((id) => id !== undefined),
    );
    return own.length > 0 && executors.size < 2 ? [`${run.workflowId} shows one process only`] : [];
  });
  return { checked: recovered.length, violations };
};

const ownNames: Rule = ({ spans }) => ({
  checked: spans.length,
  violations: spans.flatMap((span) => vocabulary(span)),
});

const noSecrets: Rule = ({ bodies, secrets }) => ({
  checked: bodies.length,
  violations: secrets
    .filter((secret) => bodies.some((body) => body.includes(secret)))
    .map((it) => `"${it}" was exported`),
});

const nothingOpen: Rule = ({ openSpans }) => ({
  checked: 1,
  violations: openSpans.map((name) => `${name} was left open`),
});

/** What is to be true of the traces that are left, wherever a process dies. */
export const rules: Readonly<Record<string, { readonly says: string; readonly judge: Rule }>> = {
  J1: { says: 'one trace', judge: oneTrace },
  J2: { says: 'no orphans', judge: noOrphans },
  J3: { says: 'no id twice', judge: noDuplicates },
  J4: { says: 'no step twice', judge: nothingTwice },
  J5: { says: 'no step missing', judge: nothingMissing },
  J6: { says: 'no clock suspected', judge: noSkew },
  J7: { says: 'every attempt once', judge: everyAttempt },
  J8: { says: 'both processes', judge: bothProcesses },
  J9: { says: 'names, kinds and attributes', judge: ownNames },
  J10: { says: 'no secrets', judge: noSecrets },
  J13: { says: 'no span left open', judge: nothingOpen },
};
