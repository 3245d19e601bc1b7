import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { closeSession } from './api';
import { Icon, Mark, type IconName } from './parts/icon';
import { chooseTheme, theme, THEMES } from './theme';
import { toastFailure } from './toasts';
import type { Workspace } from './wire';

const PLACES: readonly { readonly href: string; readonly name: string; readonly icon: IconName }[] = [
  { href: '/console/', name: 'Live', icon: 'live' },
  { href: '/console/profiles', name: 'Profiles', icon: 'profiles' },
  { href: '/console/audiences', name: 'Audiences', icon: 'audiences' },
  { href: '/console/decisions', name: 'Decisions', icon: 'decisions' },
  { href: '/console/destinations', name: 'Destinations', icon: 'destinations' },
];

interface FrameProps {
  readonly workspace: Workspace;
  readonly children: ComponentChildren;
}

/** What stays while pages change: where one is, where one can go, and the way out. */
export function Frame({ workspace, children }: FrameProps) {
  return (
    <div class="frame">
      <a class="skip" href="#main">
        Skip to content
      </a>
      <div class="side">
        <a class="brand" href="/console/" aria-label="Throughline, live events">
          <Mark />
          <span class="brand-name">Throughline</span>
        </a>
        <p class="workspace" title="Workspace">
          {workspace.name}
        </p>
        <Places />
        <Tools />
      </div>
      <main id="main">{children}</main>
    </div>
  );
}

function Places() {
  const { path } = useLocation();
  const places = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen they do not all fit.
    places.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [path]);
  return (
    <nav class="places" aria-label="Console" ref={places}>
      {PLACES.map(({ href, name, icon }) => {
        const here = href === '/console/' ? path === '/console' : path.startsWith(href);
        return (
          <a key={href} href={href} {...(here ? { 'aria-current': 'page' as const } : {})}>
            <Icon name={icon} />
            <span>{name}</span>
          </a>
        );
      })}
    </nav>
  );
}

function Tools() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  const signOut = async (): Promise<void> => {
    const answer = await closeSession();
    if (!answer.ok) toastFailure(answer);
  };
  return (
    <div class="tools">
      <a href="/docs" target="_blank" rel="noopener" title="API reference">
        <Icon name="docs" />
        <span>API reference</span>
      </a>
      <button
        type="button"
        aria-label={`Theme: ${theme.value}. Change to ${next}`}
        title={`Theme: ${theme.value}`}
        onClick={() => chooseTheme(next)}
      >
        <Icon name={theme.value} />
        <span>Theme: {theme.value}</span>
      </button>
      <button type="button" aria-label="Sign out" title="Sign out" onClick={signOut}>
        <Icon name="signOut" />
        <span>Sign out</span>
      </button>
    </div>
  );
}
