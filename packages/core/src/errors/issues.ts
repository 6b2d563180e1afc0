import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What a schema found wrong, and where. */
export function describeIssue(issue: StandardSchemaV1.Issue): string {
  const path = issue.path?.map((segment) => String(typeof segment === 'object' ? segment.key : segment)).join('.');
  return path === undefined || path === '' ? issue.message : `${path}: ${issue.message}`;
}
