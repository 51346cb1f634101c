export const english = {
  open: 'Change activity',
  change: 'Set activity',
  button: 'Activity:',
  changed: 'You are now {{name}}.',
  changedElsewhere: 'Your activity is now {{name}}. It was not changed here.',
  pendingTitle: 'Go {{name}} now?',
  pendingText_one: 'One offer is waiting for your answer. It is rejected and goes to someone else.',
  pendingText_other:
    '{{count}} offers are waiting for your answer. They are rejected and go to someone else.',
  confirm: 'Reject and go {{name}}',
  cancel: 'Stay {{name}}',
};
