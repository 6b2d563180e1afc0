import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute or more: last and alone, they would leave a core with nothing to do. */
const slow = [
  '/crash-points/',
  '/tracing/crash-points.test',
  '/http/conformance.test',
  '/faults/cut-connections',
  '/recovery/sigkill',
  '/sleepers/',
  '/http/processes',
  '/torture/',
  '/demo.test',
  '/next/next.test',
];

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): boolean => slow.some((part) => moduleId.includes(part));
    const sorted = await super.sort(files);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}
