import { useEffect, useRef, useState } from 'preact/hooks';
import type { Result } from './api';
import { type Fault, faultsOf, type Refusal } from './refusal';

export interface Sending {
  /** Of the form, whose first field that is wrong gets the focus. */
  readonly form: { readonly current: HTMLFormElement | null };
  readonly refusal: Refusal | null;
  readonly isBusy: boolean;
  /** Says what is wrong before anything is sent. */
  readonly refuse: (what: string, faults: readonly Fault[]) => void;
  /** @returns what was answered; null where it was refused, which is then in `refusal` */
  readonly send: <T>(what: string, call: () => Promise<Result<T>>) => Promise<T | null>;
}

/** What a form sends, and what the collector says of it. */
export function useSending(): Sending {
  const form = useRef<HTMLFormElement>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (refusal) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [refusal]);
  const send = async <T>(what: string, call: () => Promise<Result<T>>): Promise<T | null> => {
    setBusy(true);
    const answer = await call();
    setBusy(false);
    setRefusal(answer.ok ? null : { what, faults: faultsOf(answer) });
    return answer.ok ? answer.value : null;
  };
  return { form, refusal, isBusy, refuse: (what, faults) => setRefusal({ what, faults }), send };
}
