import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { Dialog } from './Dialog.tsx';
import { UiProvider } from './UiProvider.tsx';

function Page() {
  const [isOpen, setOpen] = useState(false);
  return (
    <UiProvider>
      <button type="button" onClick={() => setOpen(true)}>
        Ask
      </button>
      {isOpen && (
        <Dialog opened onClose={() => setOpen(false)} title="Sure?">
          <button type="button" data-autofocus>
            Yes
          </button>
        </Dialog>
      )}
    </UiProvider>
  );
}

it('a dialog that goes from the page gives the focus back to where it was', async () => {
  const user = userEvent.setup();
  render(<Page />);
  await user.click(screen.getByText('Ask'));
  await waitFor(() => expect(document.activeElement?.textContent).toBe('Yes'));
  await user.keyboard('{Escape}');
  await waitFor(() => expect(document.activeElement?.textContent).toBe('Ask'));
});
