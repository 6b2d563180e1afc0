import { runs } from '../../../perdure';

export const { GET, POST } = runs;
