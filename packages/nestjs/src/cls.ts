export { ClsPluginPerdure } from './cls/cls-plugin.js';
export type { ClsPluginPerdureOptions } from './cls/cls-plugin.js';
