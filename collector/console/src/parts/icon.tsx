/** Line icons on a 16-unit grid, drawn for this console. */
const PATHS = {
  live: 'M1.5 8h3l2-5 3 10 2-5h3',
  profiles: 'M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8ZM2.5 13.5c.6-2.4 2.8-3.5 5.5-3.5s4.9 1.1 5.5 3.5',
  audiences: 'M2 3h12l-4.7 5.500v4L6.7 14V8.500L2 3Z',
  decisions: 'M2 8h4M6 8c3 0 2-4.500 5-4.500h3M6 8c3 0 2 4.500 5 4.500h3M12 1.500l2 2-2 2M12 10.500l2 2-2 2',
  destinations: 'M14 2 7.2 8.800M14 2 9.700 14 7.2 8.800 2 6.300 14 2Z',
  docs: 'M3.5 2h6.500l3 3v9h-9.500zM9.5 2v3.500H13M6 8.500h4.500M6 11h4.5',
  signOut: 'M6.5 2.500h-3.500v11h3.500M10 5l3 3-3 3M13 8H6.5',
  search: 'M7 11.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5 14 14',
  chevron: 'm6 3.5 4.5 4.500L6 12.5',
  pause: 'M5.5 3.500v9M10.5 3.500v9',
  play: 'M5 3.200v9.600L12.5 8z',
  close: 'm4 4 8 8M12 4l-8 8',
  check: 'm3 8.5 3.2 3.200L13 5',
  warning: 'M8 2.2 14.5 13.500h-13zM8 6.500v3.200M8 11.600v.2',
  copy: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3',
  download: 'M8 2.500v7.500M4.7 7 8 10.3 11.3 7M2.5 13.500h11',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.500M13 2v3.200H9.8',
  plus: 'M8 3v10M3 8h10',
  edit: 'M10.500 3 13 5.500 5.500 13H3v-2.500zM9 4.500 11.500 7',
  up: 'M8 13V3.500M4 7.500 8 3.500l4 4',
  down: 'M8 3v9.500M4 8.500l4 4 4-4',
  trash: 'M2.5 4.500h11M6 4.500v-2h4v2M4 4.500l.7 9h6.600l.7-9',
  system: 'M2 3h12v8H2zM6 13.500h4M8 11v2.5',
  light:
    'M8 10.800a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.600ZM8 1.500v1.200M8 13.300v1.200M1.5 8h1.200M13.3 8h1.200M3.4 3.400l.9.9M11.7 11.700l.9.9M12.6 3.400l-.9.9M4.3 11.700l-.9.9',
  dark: 'M13 9.700A5.5 5.5 0 0 1 6.3 3 5.5 5.5 0 1 0 13 9.700Z',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: what it means stands beside it or in its button's label. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M5 20.500h6.200c2.2 0 3-1.6 4.2-4.500s2-4.5 4.2-4.500H27" />
      <circle cx="15.6" cy="16" r="3.4" />
    </svg>
  );
}
