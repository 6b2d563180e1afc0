import { fileURLToPath } from 'node:url';
import { demonstrate } from '@perdure/example-document-rag-demo';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));
await demonstrate({ name: 'nestjs', command: { args: [main] }, isDurable: true });
