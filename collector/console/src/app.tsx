import { useErrorBoundary } from 'preact/hooks';
import { lazy, LocationProvider, Route, Router, ErrorBoundary } from 'preact-iso';
import { openSession } from './api';
import { Frame } from './frame';
import { SignedOut } from './pages/signed-out';
import { Problem } from './parts/problem';
import { session } from './session';
import { Toasts } from './toasts';

const Live = lazy(() => import('./pages/live').then((module) => module.Live));
const Profiles = lazy(() => import('./pages/profiles').then((module) => module.Profiles));
const Profile = lazy(() => import('./pages/profile').then((module) => module.Profile));
const Audiences = lazy(() => import('./pages/audiences').then((module) => module.Audiences));
const NewAudience = lazy(() => import('./pages/new-audience').then((module) => module.NewAudience));
const Audience = lazy(() => import('./pages/audience').then((module) => module.Audience));
const EditAudience = lazy(() => import('./pages/edit-audience').then((module) => module.EditAudience));
const Decisions = lazy(() => import('./pages/decisions').then((module) => module.Decisions));
const NewDecision = lazy(() => import('./pages/new-decision').then((module) => module.NewDecision));
const Decision = lazy(() => import('./pages/decision').then((module) => module.Decision));
const EditDecision = lazy(() => import('./pages/edit-decision').then((module) => module.EditDecision));
const Destinations = lazy(() => import('./pages/destinations').then((module) => module.Destinations));
const NewDestination = lazy(() => import('./pages/new-destination').then((module) => module.NewDestination));
const Destination = lazy(() => import('./pages/destination').then((module) => module.Destination));
const EditDestination = lazy(() =>
  import('./pages/edit-destination').then((module) => module.EditDestination),
);
const NotFound = lazy(() => import('./pages/not-found').then((module) => module.NotFound));

export function App() {
  return (
    <>
      <Entrance />
      <Toasts />
    </>
  );
}

/** Nothing of the workspace is drawn before it is known who looks. */
function Entrance() {
  const current = session.value;
  switch (current.state) {
    case 'opening':
      return <p class="opening">Opening…</p>;
    case 'signed-out':
      return <SignedOut />;
    case 'unreachable':
      return (
        <div class="alone">
          <Problem failure={current.failure} onRetry={openSession} />
        </div>
      );
    case 'signed-in':
      return (
        <LocationProvider scope="/console">
          <Frame workspace={current.workspace}>
            <Pages />
          </Frame>
        </LocationProvider>
      );
  }
}

/** A fault in one page leaves the frame and a way on. */
function Pages() {
  const [fault, forget] = useErrorBoundary();
  if (fault) return <Broken onRetry={forget} />;
  return (
    <ErrorBoundary>
      <Router onRouteChange={startAtHeading}>
        <Route path="/console" component={Live} />
        <Route path="/console/profiles" component={Profiles} />
        <Route path="/console/profiles/:id" component={Profile} />
        <Route path="/console/audiences" component={Audiences} />
        <Route path="/console/audiences/new" component={NewAudience} />
        <Route path="/console/audiences/:id" component={Audience} />
        <Route path="/console/audiences/:id/edit" component={EditAudience} />
        <Route path="/console/decisions" component={Decisions} />
        <Route path="/console/decisions/new" component={NewDecision} />
        <Route path="/console/decisions/:id" component={Decision} />
        <Route path="/console/decisions/:id/edit" component={EditDecision} />
        <Route path="/console/destinations" component={Destinations} />
        <Route path="/console/destinations/new" component={NewDestination} />
        <Route path="/console/destinations/:id" component={Destination} />
        <Route path="/console/destinations/:id/edit" component={EditDestination} />
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}

/** A click on a link reads as a new page: who listens hears its heading, and Tab goes on from there. */
function startAtHeading(): void {
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}

function Broken({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <div class="alone">
      <Problem
        failure={{
          ok: false,
          status: 0,
          code: 'page_failed',
          message: 'This page could not be shown. Reload, or try again.',
        }}
        onRetry={onRetry}
      />
    </div>
  );
}
