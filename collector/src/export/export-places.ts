import { join } from 'node:path';
import { openBucketTarget } from './bucket-target';
import { ExportError } from './export-error';
import { openFolderTarget } from './folder-target';
import type { Target } from './target';

/** Where whoever runs this lets exports go; as the settings have it (config.ts). */
export interface ExportPlaces {
  readonly exportDir: string | undefined;
  readonly exportBucketUrl: string | undefined;
  readonly exportBucketRegion: string;
  readonly exportAccessKeyId: string | undefined;
  readonly exportSecretAccessKey: string | undefined;
}

/** Exports go nowhere until somebody sets where. */
export const NO_PLACES: ExportPlaces = {
  exportDir: undefined,
  exportBucketUrl: undefined,
  exportBucketRegion: 'us-east-1',
  exportAccessKeyId: undefined,
  exportSecretAccessKey: undefined,
};

export const PLACE_KINDS = ['folder', 'bucket'] as const;
export type PlaceKind = (typeof PLACE_KINDS)[number];

/** Which kinds are set. */
export function placesSet({ exportDir, exportBucketUrl }: ExportPlaces): readonly PlaceKind[] {
  const isSet = { folder: exportDir !== undefined, bucket: exportBucketUrl !== undefined };
  return PLACE_KINDS.filter((kind) => isSet[kind]);
}

/** Opens a workspace's own part of a place. @throws ExportError */
export function openPlace(places: ExportPlaces, kind: PlaceKind, workspaceId: string): Promise<Target> {
  const { exportDir, exportBucketUrl } = places;
  if (kind === 'folder' && exportDir !== undefined) return openFolderTarget(join(exportDir, workspaceId));
  if (kind === 'bucket' && exportBucketUrl !== undefined) {
    const base = exportBucketUrl.endsWith('/') ? exportBucketUrl : `${exportBucketUrl}/`;
    return openBucket(places, `${base}${workspaceId}/`);
  }
  throw new ExportError(`No ${kind} is set for exports any more.`);
}

/** Opens an address in a bucket with the credentials of the settings. @throws ExportError */
export function openBucket(places: ExportPlaces, url: string): Promise<Target> {
  const { exportBucketRegion: region, exportAccessKeyId, exportSecretAccessKey } = places;
  if (exportAccessKeyId === undefined || exportSecretAccessKey === undefined) {
    throw new ExportError(
      'A bucket needs THROUGHLINE_EXPORT_ACCESS_KEY_ID and THROUGHLINE_EXPORT_SECRET_ACCESS_KEY.',
    );
  }
  return openBucketTarget({
    ...{ url, region, accessKeyId: exportAccessKeyId, secretAccessKey: exportSecretAccessKey },
  });
}
