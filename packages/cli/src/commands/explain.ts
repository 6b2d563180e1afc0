import type { Explanation } from '@perdure/core';
import type { Command } from 'commander';
import { addCommand, type Cli, type CommonOptions, nextCommand } from '../cli.js';
import { statusColour } from '../runs.js';
import type { Terminal } from '../terminal/terminal.js';
import { oneLine, wrapLines } from '../terminal/text.js';
import { momentAndAge } from '../terminal/times.js';

export function addExplain(program: Command, cli: Cli): void {
  addCommand(program, 'explain <id>', 'say why a run is where it is, and what would move it').action(
    async (id: string, options: CommonOptions) => {
      const explanation = await cli.ask(options, ({ runs }) => runs.explain(id));
      cli.answer(options, explanation, () => wordsOf(cli.terminal, explanation, options));
    },
  );
}

function wordsOf(terminal: Terminal, explanation: Explanation, options: CommonOptions, indent = ''): string[] {
  const { workflowId, status, reason, message, advice, command, since, until, dueTo } = explanation;
  const now = Date.now();
  const colour = statusColour(status);
  const paragraph = (text: string): string[] => wrapLines(text, terminal.textWidth, indent);
  return [
    `${indent}${terminal.paint('bold', oneLine(workflowId))}  ${colour === null ? status : terminal.paint(colour, status)}${reason === status ? '' : `  ${reason}`}`,
    ...paragraph(message),
    ...(since === null ? [] : [`${indent}${terminal.paint('dim', `since ${momentAndAge(since, now)}`)}`]),
    ...(until === null ? [] : [`${indent}${terminal.paint('dim', `until ${momentAndAge(until, now)}`)}`]),
    ...paragraph(advice),
    ...(command === null ? [] : [`${indent}  ${terminal.paint('cyan', nextCommand(command, options))}`]),
    ...(dueTo === null ? [] : ['', `${indent}That run:`, ...wordsOf(terminal, dueTo, options, `${indent}  `)]),
  ];
}
