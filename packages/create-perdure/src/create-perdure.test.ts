import { exec } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCommandLine, UsageError } from './command-line.js';
import { nextSteps } from './next-steps.js';
import { packageManager } from './package-manager.js';
import { makeProject, packageName } from './project.js';
import { planOf } from './questions.js';
import { templates } from './templates.js';

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'perdure-create-'));
});

afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

describe('the command line', () => {
  it('says what is to be made', () => {
    expect(parseCommandLine(['shop', '--template', 'nestjs', '--no-install'])).toEqual({
      folder: 'shop',
      template: 'nestjs',
      installs: false,
    });
    expect(parseCommandLine([])).toEqual({ folder: undefined, template: undefined, installs: undefined });
    expect(parseCommandLine(['--help', 'shop'])).toBeNull();
  });

  it.each([[['a', 'b']], [['--template', 'koa']], [['--tempalte', 'express']], [['--template']]])(
    'is refused where it does not hold: %j',
    (args) => {
      expect(() => parseCommandLine(args)).toThrow(/folder|template|tempalte/);
    },
  );

  it('has to say everything where nobody can be asked', () => {
    expect(planOf({ folder: 'shop', template: 'express', installs: undefined })).toEqual({
      folder: 'shop',
      template: 'express',
      installs: false,
    });
    expect(() => planOf({ folder: 'shop', template: undefined, installs: undefined })).toThrow('--template express');
  });
});

describe('a project', () => {
  it.each(templates)(
    'of the template $name is named after its folder, and has the packages of one release',
    async ({ name }) => {
      const folder = join(parent, 'My Shop');
      await makeProject(folder, name, '1.2.3');
      const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
        readonly name: string;
        readonly dependencies: Readonly<Record<string, string>>;
        readonly devDependencies: Readonly<Record<string, string>>;
      };
      expect(manifest.name).toBe('my-shop');
      const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
      const ours = versions.filter(([key]) => key.startsWith('@perdure/'));
      expect(ours.length).toBeGreaterThanOrEqual(3);
      expect(ours.map(([, version]) => version)).toEqual(ours.map(() => '1.2.3'));
      expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
      expect(await readFile(join(folder, '.gitignore'), 'utf8')).toContain('.perdure/');
      expect(await readdir(folder)).not.toContain('gitignore');
    },
  );

  it('takes an empty folder, also of a new repository, and no other', async () => {
    const folder = join(parent, 'shop');
    await mkdir(join(folder, '.git'), { recursive: true });
    await makeProject(folder, 'express', '1.2.3');
    await expect(makeProject(folder, 'express', '1.2.3')).rejects.toThrow('is not empty');
    await writeFile(join(parent, 'notes.txt'), '');
    await expect(makeProject(parent, 'express', '1.2.3')).rejects.toThrow('is not empty');
  });

  it.each(['notes.txt', 'notes.txt/shop'])('takes no folder that a file is in the way of: %s', async (name) => {
    await writeFile(join(parent, 'notes.txt'), '');
    await expect(makeProject(join(parent, name), 'express', '1.2.3')).rejects.toThrow(UsageError);
  });

  it.each([
    ['shop', 'shop'],
    ['/tmp/My Shop!', 'my-shop'],
    ['_', 'perdure-app'],
  ])('in %s has the name %s', (folder, name) => {
    expect(packageName(folder)).toBe(name);
  });
});

describe('what is to be typed next', () => {
  const made = { folder: 'shop', manager: 'npm', isInstalled: false };

  it('begins with the folder, unless one is there', () => {
    expect(nextSteps(made)).toEqual(['cd shop', 'npm install', 'npm run build', 'npm start']);
    expect(nextSteps({ ...made, folder: '', isInstalled: true })).toEqual(['npm run build', 'npm start']);
  });

  it.runIf(process.platform !== 'win32').each(['My Shop', "Ada's shop", '$HOME & co'])(
    'leads the shell into the folder: %s',
    async (folder) => {
      await mkdir(join(parent, folder));
      const [command = ''] = nextSteps({ ...made, folder });
      const { stdout } = await promisify(exec)(`${command} && pwd -P`, { cwd: parent });
      expect(stdout.trim()).toBe(join(await realpath(parent), folder));
    },
  );
});

it.each([
  ['pnpm/10.1.0 npm/? node/v22', 'pnpm'],
  ['npm/11.19.1 node/v20', 'npm'],
  [undefined, 'npm'],
])('what was started by %s installs with %s', (userAgent, name) => {
  expect(packageManager(userAgent)).toBe(name);
});
