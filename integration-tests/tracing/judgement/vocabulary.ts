import type { ReceivedSpan } from '../received-span.js';

/** What spans of a form are called, what kind they are, and what each of them has to say. */
const forms: readonly {
  readonly name: RegExp;
  readonly kind: ReceivedSpan['kind'];
  readonly attributes: readonly string[];
}[] = [
  { name: /^POST( \/asked)?$/, kind: 'SERVER', attributes: [] },
  { name: /^POST$/, kind: 'CLIENT', attributes: [] },
  { name: /^start .+ \(lost\)$/, kind: 'PRODUCER', attributes: ['perdure.synthetic'] },
  { name: /^start .+$/, kind: 'PRODUCER', attributes: ['perdure.start.kind', 'perdure.app.version'] },
  {
    name: /^run .+$/,
    kind: 'CONSUMER',
    attributes: ['perdure.attempt', 'perdure.run.reason', 'perdure.replayed_steps', 'perdure.executor.id'],
  },
  { name: /^execute .+$/, kind: 'INTERNAL', attributes: ['perdure.outcome'] },
  {
    name: /^step .+$/,
    kind: 'INTERNAL',
    attributes: ['perdure.step.name', 'perdure.step.seq', 'perdure.step.try', 'perdure.outcome'],
  },
  { name: /^sleep$/, kind: 'INTERNAL', attributes: ['perdure.wait.until'] },
  { name: /^await .+$/, kind: 'INTERNAL', attributes: [] },
  { name: /^receive .+$/, kind: 'CONSUMER', attributes: ['messaging.system', 'messaging.operation.name'] },
  {
    name: /^send .+$/,
    kind: 'PRODUCER',
    attributes: ['messaging.system', 'messaging.operation.name', 'perdure.workflow.target_id'],
  },
  { name: /^cancel$/, kind: 'INTERNAL', attributes: ['perdure.workflow.target_id'] },
  { name: /^fork .+$/, kind: 'INTERNAL', attributes: ['perdure.workflow.target_id', 'perdure.workflow.name'] },
  { name: /^(resume|restart)$/, kind: 'INTERNAL', attributes: [] },
  { name: /^request \(lost\)$/, kind: 'INTERNAL', attributes: ['perdure.synthetic', 'error.type'] },
];

const ofRuns = ['perdure.workflow.id', 'perdure.workflow.name'];

/** What is wrong with a span by itself. */
export function vocabulary({ name, kind, status, attributes }: ReceivedSpan): string[] {
  const form = forms.find((it) => it.name.test(name) && it.kind === kind);
  if (form === undefined) return [`nothing is called "${name}" and ${kind}`];
  const needed = [
    ...form.attributes,
    ...(form.attributes.includes('perdure.workflow.target_id') || form.attributes.length === 0 ? [] : ofRuns),
  ];
  const lacking = needed.filter((it) => !(it in attributes)).map((it) => `"${name}" does not have ${it}`);
  const isError = status === 'error';
  const isNamed = typeof attributes['error.type'] === 'string';
  return [
    ...lacking,
    ...(status === 'ok' ? [`"${name}" says OK, which is the user's to say`] : []),
    ...(isError && !isNamed ? [`"${name}" is an error without a type`] : []),
  ];
}
