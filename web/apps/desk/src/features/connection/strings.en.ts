export const english = {
  lostText: 'Trying again for {{time}}. What you see may be out of date; nothing can be changed.',
  restored: 'Connection restored. Everything is up to date.',
};
