#!/usr/bin/env node
import { main } from './main.js';
import { Terminal } from './terminal/terminal.js';

const { stdout, env, argv } = process;

// Whoever reads has read enough: `perdure list | head`.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const exitCode = await main(argv.slice(2), { terminal: new Terminal(process), env, engine: null });

// A module that was loaded may have opened what would keep the process alive. What was written goes out first.
stdout.write('', () => process.exit(exitCode));
