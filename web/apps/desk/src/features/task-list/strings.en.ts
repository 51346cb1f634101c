export const english = {
  pending: 'Incoming',
  accepted: 'Active',
  wrapping: 'Wrapping up',
  group: '{{name}} ({{count}})',
  empty: 'No tasks',
  next: 'Next task',
  previous: 'Previous task',
  select: 'Open task',
};
