/**
 * The house rules that no other tool knows: `npm run check:tidy`. Tests are exempt.
 * Cycles and package arrows are in .dependency-cruiser.mjs, the rules of the language in .oxlintrc.json.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const core = 'packages/core/src/';
const seams = `${core}seams/`;
const store = `${core}store/`;
const drivers = `${core}database/`;

/** @type {{ pattern: RegExp, where: string, except: string[], message: string }[]} */
const rules = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/g,
    where: core,
    except: [seams],
    message: 'Take the time from the Clock (seams/clock.ts): now() or monotonicMs(); in SQL, from $now.',
  },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate)\b|\bnode:timers\b/g,
    where: core,
    // A socket knows no other time than the real one.
    except: [seams, `${drivers}deadline.ts`],
    message: 'Use the Clock (seams/clock.ts): setTimer() or nextMacrotask().',
  },
  {
    pattern: /\bMath\.random\b|\bcrypto\.(randomUUID|getRandomValues)\b/g,
    where: core,
    except: [seams],
    message: 'Take randomness from Random (seams/random.ts): uuid() or float().',
  },
  {
    pattern: /import (?!\{ createHash \} )[^;]*['"](node:)?crypto['"]/g,
    where: core,
    except: [seams],
    message: "Take randomness from Random (seams/random.ts). Only { createHash } may come from 'node:crypto'.",
  },
  {
    // A literal that begins like SQL, or that holds a clause which only SQL has.
    pattern:
      /[`'"]\s*(select|with \w+ as|insert into|update|delete from|truncate|create|alter|drop|grant|lock table) [\w$*"(]|\b(insert into|delete from) \S|\bupdate \S+ set \w/g,
    where: 'packages/',
    except: [store, drivers],
    message: 'SQL belongs in packages/core/src/store, in the file of its noun.',
  },
  {
    pattern: /\b(insert into|delete from|create table|alter table) \S|\bupdate \S+ set \w/g,
    where: drivers,
    except: [],
    message: 'A driver sends statements about its session only; SQL about data belongs in packages/core/src/store.',
  },
];

const root = fileURLToPath(new URL('..', import.meta.url));
const problems = sourceFiles().flatMap(problemsIn);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** @returns {string[]} */
function sourceFiles() {
  return readdirSync(join(root, 'packages')).flatMap((name) =>
    readdirSync(join(root, 'packages', name, 'src'), { recursive: true, encoding: 'utf8' })
      .map((path) => `packages/${name}/src/${path.replaceAll('\\', '/')}`)
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts')),
  );
}

/** @param {string} path */
function problemsIn(path) {
  const text = withoutComments(readFileSync(join(root, path), 'utf8'));
  return rules
    .filter(({ where, except }) => path.startsWith(where) && !except.some((allowed) => path.startsWith(allowed)))
    .flatMap(({ pattern, message }) =>
      [...text.matchAll(pattern)].map((match) => `${path}:${lineAt(text, match)}  ${match[0].trim()}\n    ${message}`),
    );
}

/**
 * Blanks comments out, keeping every line where it is.
 *
 * @param {string} text
 */
function withoutComments(text) {
  return text.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
}

/**
 * @param {string} text
 * @param {RegExpExecArray} match
 */
function lineAt(text, match) {
  const start = match.index + (match[0].length - match[0].trimStart().length);
  return text.slice(0, start).split('\n').length;
}
