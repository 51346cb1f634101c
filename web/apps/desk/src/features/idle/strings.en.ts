export const english = {
  readyTitle: 'You are ready for work',
  readyText: 'The next task for you appears here and rings.',
  awayTitle: 'You are {{activity}}',
  awayText: 'Nothing is offered to you in this activity. Go {{available}} to receive work.',
  awayNoneText: 'Nothing is offered to you in this activity.',
  go: 'Go {{available}}',
  openTitle: 'No task selected',
  openText: 'Choose one from the list.',
  goneTitle: 'This task is not on your desk',
  goneText: 'It may be finished, withdrawn, or with someone else.',
  toDesk: 'To the desk',
};
