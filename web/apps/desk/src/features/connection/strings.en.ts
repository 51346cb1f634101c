export const english = {
  lost: 'Connection lost',
  lostText: 'Trying again for {{time}}. What you see may be out of date; nothing can be changed.',
  retry: 'Try now',
  restored: 'Connection restored. Everything is up to date.',
};
