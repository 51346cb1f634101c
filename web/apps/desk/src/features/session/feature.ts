/** Signing in, who is signed in, signing out. */
import { contribute, defineFeature } from '@sinew/plugin';
import { SignIn } from './SignIn.tsx';

export default defineFeature({
  name: 'session',
  contributions: [contribute('sign-in', 'session.form', SignIn)],
});
