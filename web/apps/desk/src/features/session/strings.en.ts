export const english = {
  signOut: 'Sign out',
  leaveTitle: 'You are still {{activity}}',
  leaveText:
    'Work is offered to you as long as you are {{activity}}, also when you are signed out.',
  leaveOpen_one: 'You also have one task open. It stays yours.',
  leaveOpen_other: 'You also have {{count}} tasks open. They stay yours.',
  goAndLeave: 'Go {{activity}} and sign out',
  leaveAnyway: 'Sign out as {{activity}}',
  stay: 'Stay',
};
