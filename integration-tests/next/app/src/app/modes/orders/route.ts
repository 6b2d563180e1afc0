import { place, withDurable } from '../../../modes';

export const POST = withDurable(place);
