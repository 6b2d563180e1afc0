import { OrderButton } from './order-button';

export default function Page() {
  return (
    <main>
      <h1>A durable shop</h1>
      <p>An order goes on if this process is killed meanwhile, and charges once however often you click.</p>
      <OrderButton sku="lamp" cents={4_200} />
    </main>
  );
}
