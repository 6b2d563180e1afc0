import { demonstrate, script } from '@perdure/example-document-rag-demo';

await demonstrate({ name: 'express', command: script(new URL('app.ts', import.meta.url)), isDurable: true });
