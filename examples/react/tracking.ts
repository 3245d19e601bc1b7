import { createTracker } from '@throughline/sdk';
import { useTrack as useAnyTrack } from '@throughline/sdk/react';

/** What this shop tracks: another name or property does not compile. */
export interface Events {
  'Product Added': { product_id: string; price: number; currency: string };
}

/** Made once, outside of components. */
export const tracker = createTracker({
  host: import.meta.env.VITE_COLLECTOR,
  writeKey: import.meta.env.VITE_WRITE_KEY,
});

export const useTrack = useAnyTrack<Events>;
