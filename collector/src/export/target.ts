/** Where an export goes: a folder, or a bucket. Paths are relative, with slashes. */
export interface Target {
  /** For people. */
  readonly name: string;
  /** A folder for files that are being written. */
  readonly scratch: string;
  /** A small file's text; null where there is none. */
  readonly read: (path: string) => Promise<string | null>;
  /** Writes a small file, over the one that is there: readers see the one or the other. */
  readonly replace: (path: string, text: string) => Promise<void>;
  /** As {@link replace}, where there is none yet; false where there is one. */
  readonly create: (path: string, text: string) => Promise<boolean>;
  /** Puts a complete file from {@link scratch} in its place, whole or not at all. */
  readonly publish: (file: string, at: PublishedFile) => Promise<void>;
  /** Nothing happens where there is none. */
  readonly remove: (path: string) => Promise<void>;
  /** Removes what was being written. */
  readonly close: () => Promise<void>;
}

export interface PublishedFile {
  readonly path: string;
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
}
