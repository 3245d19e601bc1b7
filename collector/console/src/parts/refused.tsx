import { faultsElsewhere, type Refusal } from '../refusal';
import { FaultItems } from './field';
import { Icon } from './icon';

interface RefusedProps {
  readonly refusal: Refusal | null;
  /** The places whose faults stand beside their fields. */
  readonly places: readonly string[];
}

/** That something was refused, and whatever of it no field shows. The region is always there, so that it is read out. */
export function Refused({ refusal, places }: RefusedProps) {
  const faults = refusal === null ? [] : faultsElsewhere(refusal, places);
  return (
    <div role="alert">
      {refusal && (
        <div class="problems">
          <h2>
            <Icon name="warning" />
            {refusal.what}
          </h2>
          <ul>
            <FaultItems faults={faults} />
            {faults.length < refusal.faults.length && <li>What is to be mended stands with its field.</li>}
          </ul>
        </div>
      )}
    </div>
  );
}
