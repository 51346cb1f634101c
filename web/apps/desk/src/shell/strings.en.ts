export const english = {
  loading: 'Opening your desk',
  signOut: 'Sign out',
  toDesk: 'Go to the desk',
  toConsole: 'Open the console',
  notAllowedTitle: 'You may not work at this desk',
  notAllowedText:
    'Your user {{name}} is known, but is not allowed here. Ask an administrator to check your role and your worker.',
  unknownTitle: 'There is nothing at this address',
  unknownText: 'The link may be old, or a letter is missing.',
  noWorkerTitle: 'No worker belongs to your user',
  noWorkerText:
    'You are signed in as {{name}}, but tasks are routed to workers and none is tied to you yet. Ask an administrator to set one.',
  noDeskTitle: 'There is no desk for your role',
  noDeskText:
    'You are signed in as {{name}} ({{role}}). This version of Sinew has the agent desk and a console for administrators: the pages for teams and queues are not built yet.',
  noDeskApi: 'Until then workspaces, workers, queues and users are set up through the REST API.',
  replacedTitle: 'Your desk is open in another window',
  replacedText:
    'A worker has one desk at a time, and it was opened somewhere else just now. Nothing is lost: your tasks are there.',
  useHere: 'Use it here',
  desk: 'Desk',
  tasks: 'Tasks',
  task: 'Task',
  back: 'Back to the list',
  actionFailed: '{{label}}: {{message}}',
  unanswered: 'There was no answer; look again before you try once more.',
  actionUnanswered:
    '{{label}}: the server did not answer. Wait until the connection is back, then look again.',
  skipToTask: 'Skip to the task',
  supervisor: 'supervisor',
  admin: 'administrator',
  agent: 'agent',
};
