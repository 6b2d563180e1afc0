import { runs } from '../../../../modes';

export const { GET, POST } = runs;
