/**
 * Which file may import which. `npm run check:arrows` fails on a cycle and on an arrow that points the wrong way.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'If two files need each other, a third noun is missing. Type-only imports count.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'core imports no other package of this repository: adapters import core.',
      severity: 'error',
      from: { path: '^packages/core/' },
      to: { path: '^packages/(?!core/)' },
    },
    {
      name: 'core-imports-no-framework',
      comment: 'core knows no web framework. What an adapter needs from core, core offers as a plain function.',
      severity: 'error',
      from: { path: '^packages/core/' },
      to: { path: '(^|node_modules/)(express|fastify|koa|hono|next|react|@nestjs|@hapi)(/|$)' },
    },
    {
      name: 'http-imports-only-core',
      comment: 'The adapters build on http, and http on core.',
      severity: 'error',
      from: { path: '^packages/http/' },
      to: { path: '^packages/(?!(core|http)/)' },
    },
    {
      name: 'http-imports-no-framework',
      comment: 'http knows requests and responses, of the Web and of Node; a framework is its adapter.',
      severity: 'error',
      from: { path: '^packages/http/' },
      to: { path: '(^|node_modules/)(@types/)?(express|fastify|koa|hono|next|react|@nestjs|@hapi)(/|$)' },
    },
    {
      name: 'adapters-import-http-and-core',
      comment: 'An adapter never imports another one.',
      severity: 'error',
      from: { path: '^packages/(express|nestjs|next)/' },
      to: { path: '^packages/(?!(core|http|$1)/)' },
    },
    {
      name: 'cls-hooked-stands-alone',
      comment: 'It takes the place of cls-hooked, for whoever needs that, and of nothing else.',
      severity: 'error',
      from: { path: '^packages/cls-hooked/' },
      to: { path: '^packages/(?!cls-hooked/)' },
    },
    {
      name: 'otel-imports-only-core',
      comment: 'Whoever has no SDK of OpenTelemetry has core alone, which knows its API.',
      severity: 'error',
      from: { path: '^packages/otel/' },
      to: { path: '^packages/(?!(core|otel)/)' },
    },
    {
      name: 'cli-imports-only-core',
      comment: 'The command line says what core can do, to people.',
      severity: 'error',
      from: { path: '^packages/cli/' },
      to: { path: '^packages/(?!(core|cli)/)' },
    },
    {
      name: 'create-perdure-stands-alone',
      comment: 'It is run once, before anything is installed.',
      severity: 'error',
      from: { path: '^packages/create-perdure/' },
      to: { path: '^packages/(?!create-perdure/)' },
    },
    {
      name: 'core-imports-no-sdk',
      comment: 'The SDK is the application’s; libraries use the API.',
      severity: 'error',
      from: { path: '^packages/(?!otel/)' },
      to: { path: '(^|node_modules/)@opentelemetry/(?!api(/|$))' },
    },
    {
      name: 'testing-imports-only-core',
      severity: 'error',
      from: { path: '^packages/testing/' },
      to: { path: '^packages/(?!(core|testing)/)' },
    },
    {
      name: 'packages-through-the-front-door',
      comment: "Another package is imported by its name, through its exports ('.', './internal' or './node').",
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/(?!$1/)[^/]+/src/(?!(index|internal|node)[.]ts$)' },
    },
    {
      name: 'packages-import-no-tests-nor-examples',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(examples|integration-tests|scripts)/' },
    },
    {
      name: 'checker-stands-alone',
      comment: 'It judges the engine, so it shares nothing with it.',
      severity: 'error',
      from: { path: '^integration-tests/checker/' },
      to: { path: '^(packages|integration-tests/(?!checker/))' },
    },
    {
      name: 'nobody-imports-examples',
      severity: 'error',
      from: { path: '^(?!examples/)' },
      to: { path: '^examples/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere could hide a wrong arrow.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-test-code-in-source',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '[.]test[.]ts$' },
      to: { path: '[.]test[.]ts$' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: {
      path: '(^|/)(dist|[.]next)/|^integration-tests/(nest/jest|next/create-next-app|packed/apps)/|^benchmarks/contenders/peers/|^packages/create-perdure/templates/',
    },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
    },
    skipAnalysisNotInRules: true,
  },
};
