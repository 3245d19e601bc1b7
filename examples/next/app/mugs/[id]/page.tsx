import { SignIn } from '../../sign-in';
import { AddToCart } from './add-to-cart';

export default async function Mug({ params }: { readonly params: Promise<{ id: string }> }) {
  const { id } = await params;
  return (
    <>
      <h1>A mug</h1>
      <AddToCart id={id} />
      <SignIn />
    </>
  );
}
