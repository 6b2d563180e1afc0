import { OrderButton } from './order-button';

export default function Page() {
  return (
    <main>
      <h1>A durable shop</h1>
      <p>Packing takes 10 s. Kill the process meanwhile, start it again, and the order goes on.</p>
      <OrderButton sku="lamp" cents={4_200} />
    </main>
  );
}
