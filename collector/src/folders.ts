import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where this repository lies: the nearest folder above that holds the migrations, for built and unbuilt code alike. */
function findRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'migrations'))) return folder;
  }
  throw new Error(`There is no migrations folder above ${import.meta.dirname}.`);
}

const root = findRoot();

/** Folders of what is not code of the collector, absolute. */
export const FOLDERS = {
  migrations: join(root, 'migrations'),
  sdk: join(root, 'sdk', 'dist'),
  console: join(root, 'collector', 'console', 'dist'),
  shop: join(root, 'examples', 'shop'),
} as const;
