/** Texts that end a literal, a comment, a name or a statement in SQL, and what would be done then. `T` stands for a schema. */
const breaks = [
  `'`,
  `''`,
  `"`,
  `""`,
  `\\'`,
  `\\`,
  `';`,
  `");`,
  `$$`,
  `$1`,
  `$q$`,
  `--`,
  `/*`,
  `*/`,
  `;`,
  `)`,
  `%`,
  `_`,
  `E'\\''`,
];
const deeds = [
  `drop table T.runs`,
  `drop schema T cascade`,
  `update T.runs set state = 'settled'`,
  `delete from T.outcomes`,
  `select pg_sleep(10)`,
  `union select null, null, null`,
  `or 1=1`,
  `and 1=(select count(*) from pg_tables)`,
  `copy T.runs to program 'true'`,
  `alter role current_user superuser`,
  `{"$ne": null}`,
  `{{constructor.constructor('return process')()}}`,
  `\${process.exit(1)}`,
  `<script>alert(1)</script>`,
];
const ends = ['', ';', ' --', ';--', ' /*', ` from T.runs where '1'='1`];
const others = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'undefined',
  'NaN',
  '../../etc/passwd',
  'C:\\nul',
  '%00',
  '\u202Etxt.exe',
  'ﷺ'.repeat(80),
  '🏳️‍🌈',
  'İıſK',
  'a'.repeat(255),
];

/** About 2,000 texts that somebody may hand over as an id, a key or a name, all of which are allowed as such. */
export function hostileTexts(schema: string): string[] {
  const made = breaks.flatMap((it) => deeds.flatMap((deed) => ends.flatMap((end) => [`${it} ${deed}${end}`])));
  const texts = [...breaks, ...made, ...others, ...others.flatMap((other) => breaks.map((it) => `${other}${it}`))];
  const meant = texts.map((text) => text.replaceAll('T.', `"${schema}".`).replaceAll('schema T', `schema "${schema}"`));
  return [...new Set(meant)].filter((text) => Buffer.byteLength(text) <= 255 && text.trim() !== '');
}
