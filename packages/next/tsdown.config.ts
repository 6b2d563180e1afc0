import { library } from '../../tsdown.base.js';

export default [
  library({ entry: ['src/index.ts'] }),
  // The bundler would drop the directive, with a warning, so it is put in afterwards.
  { ...library({ entry: ['src/react.ts'] }), banner: { js: "'use client';" }, clean: false },
];
