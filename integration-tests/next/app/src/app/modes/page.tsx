import { placeOrder } from './actions';

/** A form has the id of its action in it, by which tests call it as a page does. */
export default function Page() {
  return (
    <form action={placeOrder.bind(null, 'lamp', null) as unknown as () => Promise<void>}>
      <button>Order</button>
    </form>
  );
}
