import type { Command } from 'commander';
import { withoutUndefined } from '../arguments/filter-options.js';
import { addCommand, type Cli, type CommonOptions } from '../cli.js';

interface TraceCommandOptions extends CommonOptions {
  readonly serviceName?: string;
  readonly children: boolean;
}

export function addTrace(program: Command, cli: Cli): void {
  addCommand(program, 'trace <id>', 'tell the trace of a run from its history, as a collector takes it (OTLP, JSON)')
    .option('--service-name <name>', 'what it is found by (perdure)')
    .option('--no-children', 'without the runs that it has started')
    .action(async (id: string, options: TraceCommandOptions) => {
      const { serviceName, children } = options;
      const given = { children, ...withoutUndefined({ serviceName }) };
      cli.terminal.printJson(await cli.ask(options, ({ runs }) => runs.trace(id, given)));
    });
}
