import type { ScheduleAdmin, ScheduleInfo, ScheduleTiming } from '@perdure/core';
import type { Command } from 'commander';
import { moment } from '../arguments/values.js';
import { addCommand, addGroup, type Cli, type CommonOptions } from '../cli.js';
import { type Column, facts, table } from '../terminal/table.js';
import { counted, grouped } from '../terminal/text.js';
import { ageText, momentAndAge, periodText } from '../terminal/times.js';

interface BackfillOptions extends CommonOptions {
  readonly from: Date;
  readonly to?: Date;
}

export function addSchedules(program: Command, cli: Cli): void {
  const schedules = addGroup(program, 'schedules', 'see and change schedules');

  const show = async (name: string, options: CommonOptions): Promise<void> => {
    const found = await cli.ask(options, (access) => access.schedules.get(name));
    cli.answer(options, found, () => facts(cli.terminal, factsOf(found, Date.now())));
  };
  addCommand(schedules, 'show <schedule>', 'show a schedule').action(show);

  addCommand(schedules, 'list [schedule]', 'list schedules, or show one', { isDefault: true }).action(
    async (name: string | undefined, options: CommonOptions) => {
      if (name !== undefined) return await show(name, options);
      const found = await cli.ask(options, (access) => access.schedules.list());
      cli.answer(options, found, () =>
        found.length === 0
          ? ['There are no schedules yet: a process declares those that it has when it starts.']
          : table(cli.terminal, columns(Date.now()), found),
      );
    },
  );

  const simple = [
    ['pause', 'let it fire no more', (admin: ScheduleAdmin, name: string) => admin.pause(name)],
    [
      'resume',
      'let it fire again; slots of the meantime do not',
      (admin: ScheduleAdmin, name: string) => admin.resume(name),
    ],
  ] as const;
  for (const [verb, description, carryOut] of simple) {
    addCommand(schedules, `${verb} <schedule>`, description).action(async (name: string, options: CommonOptions) => {
      const changed = await cli.ask(options, async (access) => {
        await carryOut(access.schedules, name);
        return await access.schedules.get(name);
      });
      cli.answer(options, changed, () => [`Schedule "${name}": ${nextText(changed, Date.now())}.`]);
    });
  }

  addCommand(schedules, 'delete <schedule>', 'delete a schedule; one of code comes back with the next launch').action(
    async (name: string, options: CommonOptions) => {
      await cli.ask(options, (access) => access.schedules.delete(name));
      cli.answer(options, { deleted: name }, () => [`Schedule "${name}" is deleted.`]);
    },
  );

  addCommand(schedules, 'trigger <schedule>', 'start a run now, besides the slots').action(
    async (name: string, options: CommonOptions) => {
      const workflowId = await cli.ask(options, (access) => access.schedules.trigger(name));
      cli.answer(options, { workflowId }, () => [workflowId]);
    },
  );

  addCommand(schedules, 'backfill <schedule>', 'start a run for each slot of the past that has none')
    .requiredOption('--from <time>', "from this time on; '2d' is two days ago", moment)
    .option('--to <time>', 'before this time (now)', moment)
    .action(async (name: string, options: BackfillOptions) => {
      const { from, to = new Date() } = options;
      const workflowIds = await cli.ask(options, (access) => access.schedules.backfill(name, from, to));
      cli.answer(options, { workflowIds }, () => [
        `${counted(workflowIds.length, 'slot')} of "${name}" have runs now.`,
      ]);
    });
}

const columns = (now: number): Column<ScheduleInfo>[] => [
  { title: 'SCHEDULE', of: ({ name }) => name, isKey: true },
  { title: 'TIMING', of: ({ timing }) => timingText(timing) },
  { title: 'NEXT', of: (schedule) => nextText(schedule, now) },
  { title: 'FIRED', of: ({ fired }) => grouped(fired), align: 'right' },
  { title: 'MISSED', of: ({ missed, skipped }) => grouped(missed + skipped), align: 'right' },
  { title: 'WORKFLOW', of: ({ workflow }) => workflow, isOptional: true },
  { title: 'LAST RUN', of: ({ lastWorkflowId }) => lastWorkflowId ?? '', isOptional: true },
];

function factsOf(schedule: ScheduleInfo, now: number): (readonly [string, string | null])[] {
  const { name, origin, workflow, timing, isPaused, nextSlotAt, lastSlotAt, lastWorkflowId } = schedule;
  return [
    ['schedule', name],
    ['workflow', workflow],
    ['timing', timingText(timing)],
    ['state', isPaused ? 'paused' : 'active'],
    ['made', origin === 'code' ? 'by code' : 'at run time'],
    ['next slot', nextSlotAt === null ? 'none: it has come to its end' : momentAndAge(nextSlotAt, now)],
    ['last slot', lastSlotAt === null ? 'none yet' : momentAndAge(lastSlotAt, now)],
    ['last run', lastWorkflowId],
    ['fired', grouped(schedule.fired)],
    ['missed', grouped(schedule.missed)],
    ['skipped', grouped(schedule.skipped)],
  ];
}

function timingText(timing: ScheduleTiming): string {
  if ('cron' in timing)
    return `${timing.cron}${timing.timeZone === undefined || timing.timeZone === 'UTC' ? '' : ` ${timing.timeZone}`}`;
  return `every ${typeof timing.every === 'number' ? periodText(timing.every) : timing.every}`;
}

function nextText({ isPaused, nextSlotAt }: ScheduleInfo, now: number): string {
  if (isPaused) return 'paused';
  if (nextSlotAt === null) return 'ended';
  return nextSlotAt <= now ? 'due' : `in ${ageText(nextSlotAt - now)}`;
}
