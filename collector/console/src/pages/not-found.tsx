import { Empty, Screen } from '../parts/screen';

export function NotFound() {
  return (
    <Screen title="Not found">
      <Empty title="There is no such page">
        <p>
          Perhaps you wanted <a href="/console/">live events</a>, <a href="/console/profiles">profiles</a> or{' '}
          <a href="/console/audiences">audiences</a>.
        </p>
      </Empty>
    </Screen>
  );
}
