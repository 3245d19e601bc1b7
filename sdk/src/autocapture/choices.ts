/** What `autocapture()` records. */
export interface AutocaptureOptions {
  /** Clicks on links, buttons and what is marked: `Element Clicked`. @default true */
  readonly clicks?: boolean;
  /** Links to other sites: `Outbound Link Clicked` instead. @default true */
  readonly outboundLinks?: boolean;
  /** Links to files: `File Downloaded` instead. @default true */
  readonly downloads?: boolean;
  /** Forms that are sent: `Form Submitted`. @default true */
  readonly forms?: boolean;
  /** How far down a page was seen, at 25, 50, 75 and 100 %: `Page Scrolled`. @default true */
  readonly scrollDepth?: boolean;
  /** How long a page was used, told as it is left or hidden: `Page Engaged`. @default true */
  readonly engagement?: boolean;
  /** Three clicks within a second on one spot: `Rage Clicked`. @default false */
  readonly rageClicks?: boolean;
  /** Record what is written on the element that was clicked. @default true */
  readonly text?: boolean;
  /** Domains that are yours too, with all below them: links there are not outbound. @default [] */
  readonly ownDomains?: readonly string[];
  /** What is a file, by how its name ends. A link's `download` attribute says so too. @default pdf, zip, docx … */
  readonly downloadExtensions?: readonly string[];
}

export type Choices = Required<AutocaptureOptions>;

export const STANDARD: Choices = {
  clicks: true,
  outboundLinks: true,
  downloads: true,
  forms: true,
  scrollDepth: true,
  engagement: true,
  rageClicks: false,
  text: true,
  ownDomains: [],
  downloadExtensions:
    'pdf doc docx xls xlsx ppt pptx odt ods odp rtf txt csv tsv json xml epub zip gz tgz tar rar 7z dmg pkg exe msi deb rpm apk iso mp3 m4a wav ogg flac mp4 mov avi mkv webm'.split(
      ' ',
    ),
};

/** The page that an event is about, in the words of `context.page`. */
export interface PageSeen {
  readonly path: string;
  readonly search: string;
  readonly url: string;
  readonly title: string;
  readonly referrer: string;
}

/** Records an event, also about a page that has just been left; nothing in it breaks the page. */
export interface Recorder {
  (name: string, properties: object, page?: PageSeen): void;
  /** Runs it; what throws in there, or in what the page has done to its elements, records nothing. */
  readonly safely: (work: () => void) => void;
}
