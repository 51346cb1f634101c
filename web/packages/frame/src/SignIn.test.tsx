import { UiProvider } from '@sinew/ui';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SignIn } from './SignIn.tsx';

function setUp(status: number, body: unknown) {
  const fetched = vi.fn(async (_path: string, _options: RequestInit) =>
    Response.json(body, { status }),
  );
  vi.stubGlobal('fetch', fetched);
  const onSignedIn = vi.fn();
  render(
    <UiProvider>
      <SignIn onSignedIn={onSignedIn} notice={null} />
    </UiProvider>,
  );
  return { fetched, onSignedIn, user: userEvent.setup() };
}

describe('signing in', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('begins in the first field and says what is missing at the field', async () => {
    const { fetched, user } = setUp(200, {});
    expect(document.activeElement).toBe(screen.getByLabelText('User name'));
    await user.keyboard('{Enter}');
    expect(screen.getByText('Enter your user name.')).toBeTruthy();
    await user.keyboard('dana{Enter}');
    expect(screen.getByText('Enter your password.')).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByLabelText('Password'));
    expect(fetched).not.toHaveBeenCalled();
  });

  it('hands over who is signed in', async () => {
    const session = { username: 'dana', role: 'agent' };
    const { onSignedIn, fetched, user } = setUp(201, session);
    await user.keyboard(' dana {Tab}secret{Enter}');
    await vi.waitFor(() => expect(onSignedIn).toHaveBeenCalledWith(session));
    expect(fetched.mock.calls[0]?.[1].body).toBe('{"username":"dana","password":"secret"}');
  });

  it.each([
    [401, 'User name and password do not match.'],
    [429, 'Too many attempts. Wait a minute, then try again.'],
  ])('says in words what a %d means and goes back to the password', async (status, text) => {
    const { onSignedIn, user } = setUp(status, { code: 1, message: 'no', more_info: '', status });
    await user.keyboard('dana{Tab}wrong{Enter}');
    expect((await screen.findByRole('alert')).textContent).toBe(text);
    expect(document.activeElement).toBe(screen.getByLabelText('Password'));
    expect(onSignedIn).not.toHaveBeenCalled();
  });
});
