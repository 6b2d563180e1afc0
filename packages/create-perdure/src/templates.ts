/** The applications that can be made: a folder each in templates/. */
export const templates = [
  { name: 'express', hint: 'Express 5, idempotent routes' },
  { name: 'nestjs', hint: 'NestJS 11, workflows as providers' },
  { name: 'nextjs', hint: 'Next.js 16, routes, a server action and a page that follows the run' },
] as const;

export type TemplateName = (typeof templates)[number]['name'];

export function isTemplateName(name: string): name is TemplateName {
  return templates.some((template) => template.name === name);
}
