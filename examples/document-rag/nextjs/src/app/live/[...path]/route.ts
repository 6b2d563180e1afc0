import { runs } from '../../../perdure';

export const { GET } = runs;
