import { edited } from '../../../edited';
import { withDurable } from '../../../shop';

export const POST = withDurable(edited);
