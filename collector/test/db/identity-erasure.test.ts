/** What becomes of a browser when one of its owners is erased, and of what is heard late of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, openApi } from '../support/api';
import { looked, signedIn } from '../support/calls';
import { readProfiles } from '../support/shown-profiles';
import { addWorkspace, type TestWorkspace } from '../support/workspaces';

let api: Api;
let workspace: TestWorkspace;
beforeAll(async () => {
  api = await openApi();
});
beforeEach(async () => {
  workspace = await addWorkspace(api);
});
afterAll(() => api.close());

const sofa = { anonymousId: 'sofa' };
const kimLooked = looked('kim looked', 15, sofa);

/** Kim, then Lee, on one browser; then Kim is erased. */
async function eraseKim(): Promise<void> {
  await workspace.send([
    looked('kim before', 0, sofa),
    signedIn('kim signed in', 10, { userId: 'kim', ...sofa }),
    kimLooked,
    signedIn('lee signed in', 20, { userId: 'lee', ...sofa }),
    looked('lee looked', 25, sofa),
  ]);
  const { id } = await workspace.post('/v1/regulations', { type: 'delete', ids: ['user:kim'] });
  for (let status = ''; status !== 'done';) {
    await api.worker.tick();
    ({ status } = await workspace.get(`/v1/regulations/${id}`));
  }
}

describe('an owner who was erased', () => {
  it('takes along what was theirs on a shared browser, and nothing of the other one’s', async () => {
    await eraseKim();
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles)).toEqual(['user:lee']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
  });

  it('stays gone: a late event in what was their stretch is dropped, one in the other’s stretch is taken', async () => {
    await eraseKim();
    await workspace.send([looked('late of kim', 5, sofa), looked('late of lee', 22, sofa), kimLooked]);
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles)).toEqual(['user:lee']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'late of lee', 'lee looked']);
  });

  it('stays gone whoever claims that stretch afterwards', async () => {
    await eraseKim();
    await workspace.send([signedIn('new signed in', -5, { userId: 'new', ...sofa })]);
    await workspace.send([looked('late of kim', 5, sofa)]);
    const profiles = await readProfiles(workspace);
    expect(Object.keys(profiles).sort()).toEqual(['user:lee', 'user:new']);
    expect(profiles['user:new']!.timeline).toEqual(['new signed in']);
    expect(profiles['user:lee']!.timeline).toEqual(['lee signed in', 'lee looked']);
  });
});
