import { toastDone } from '../toasts';
import { Icon } from './icon';

interface CopyButtonProps {
  readonly text: () => string;
  readonly label: string;
}

/** A page that is not served over https or from localhost has no clipboard; then there is no button. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (!clipboard) return null;
  const copy = (): Promise<void> => clipboard.writeText(text()).then(() => toastDone('Copied.'));
  return (
    <button type="button" class="button-quiet copy" aria-label={label} title={label} onClick={copy}>
      <Icon name="copy" />
    </button>
  );
}
