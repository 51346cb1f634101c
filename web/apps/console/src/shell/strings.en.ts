export const english = {
  loading: 'Opening the console',
  pages: 'Console',
  state: 'State',
  skip: 'Skip to the content',
  signOut: 'Sign out',
  toDesk: 'Go to the desk',
  toState: 'Go to the state inspector',
  lostText: 'Trying again for {{time}}. What you see may be out of date; nothing can be saved.',
  restored: 'Connection restored. Everything is up to date.',
  notForYouTitle: 'The console is for administrators',
  notForYouText:
    'You are signed in as {{name}} ({{role}}). Ask an administrator to change your role if you need the console.',
  unknownTitle: 'There is nothing at this address',
  unknownText: 'The link may be old, or a letter is missing.',
  supervisor: 'supervisor',
  admin: 'administrator',
  agent: 'agent',
};
