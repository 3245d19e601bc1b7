'use client';

import { useTrack } from '@throughline/sdk/react';

export function AddToCart({ id }: { readonly id: string }) {
  const track = useTrack();
  const add = () => void track('Product Added', { product_id: id, price: 19.9, currency: 'EUR' });
  return <button onClick={add}>Add to cart</button>;
}
