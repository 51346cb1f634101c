import { act, render, screen } from '@testing-library/react';
import { createBrowserRouter, RouterProvider, useNavigate } from 'react-router';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Look } from './paths.ts';
import { useLook } from './useLook.ts';

/** A page with a filter that takes effect when somebody has already gone on. */
function Page({ late }: { late: Look }) {
  const [look, setLook] = useLook();
  const navigate = useNavigate();
  const press = () => {
    navigate('/sync/IS1/MP1?q=before');
    setLook(late, 'replace');
  };
  return (
    <>
      <button type="button" onClick={press}>
        go on
      </button>
      <button type="button" onClick={() => setLook(late, 'replace')}>
        stay
      </button>
      <output>{JSON.stringify(look)}</output>
    </>
  );
}

function show(late: Look) {
  const routes = [{ path: '*', element: <Page late={late} /> }];
  render(<RouterProvider router={createBrowserRouter(routes, { basename: '/admin' })} />);
}

async function press(name: string) {
  await act(async () => screen.getByRole('button', { name }).click());
  return `${window.location.pathname}${window.location.search}`;
}

describe('what is looked for', () => {
  beforeEach(() => window.history.replaceState(null, '', '/admin/sync/IS1/removed?kind=map'));

  it('is part of the address of the page', async () => {
    show({ find: 'x' });
    expect(await press('stay')).toBe('/admin/sync/IS1/removed?kind=map&find=x');
  });

  it('keeps nobody from going on who does not wait for it', async () => {
    show({ find: 'x' });
    expect(await press('go on')).toBe('/admin/sync/IS1/MP1?q=before');
  });

  it('goes along where it is about the list beside', async () => {
    show({ q: 'after' });
    expect(await press('go on')).toBe('/admin/sync/IS1/MP1?q=after');
  });

  it('is given up by saying nothing', async () => {
    show({ kind: '' });
    expect(await press('stay')).toBe('/admin/sync/IS1/removed');
  });
});
