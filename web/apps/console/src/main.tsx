import { UiProvider } from '@sinew/ui';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './shell/App.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no root');
createRoot(root).render(
  <UiProvider>
    <BrowserRouter basename="/admin">
      <App />
    </BrowserRouter>
  </UiProvider>,
);
