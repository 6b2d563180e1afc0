import { runs } from '@/lib/perdure';

export const { GET, POST } = runs;
