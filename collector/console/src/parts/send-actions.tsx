import type { ComponentChildren } from 'preact';

/** What a form says of its sending. */
export interface SendWords {
  readonly send: string;
  readonly sending: string;
  readonly refused: string;
}

interface SendActionsProps {
  readonly words: SendWords;
  readonly isBusy: boolean;
  /** Where the way out without it leads. */
  readonly back: string;
  /** What else can be done. */
  readonly children?: ComponentChildren;
}

/** The end of a form: sending it, what else can be done, and the way out. */
export function SendActions({ words, isBusy, back, children }: SendActionsProps) {
  return (
    <div class="actions">
      <button class="button-main" disabled={isBusy}>
        {isBusy ? words.sending : words.send}
      </button>
      {children}
      <a class="button" href={back}>
        Cancel
      </a>
    </div>
  );
}
