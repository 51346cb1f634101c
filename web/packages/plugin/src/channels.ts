/**
 * How a task channel is named and drawn where nothing else is known about it.
 */
export type ChannelIcon = 'phone' | 'chat' | 'mail' | 'note';

const KNOWN: Record<string, { label: string; icon: ChannelIcon }> = {
  voice: { label: 'Voice', icon: 'phone' },
  chat: { label: 'Chat', icon: 'chat' },
  sms: { label: 'SMS', icon: 'chat' },
  whatsapp: { label: 'WhatsApp', icon: 'chat' },
  email: { label: 'E-mail', icon: 'mail' },
  default: { label: 'Task', icon: 'note' },
};

export function channelLook(uniqueName: string): { label: string; icon: ChannelIcon } {
  return KNOWN[uniqueName.toLowerCase()] ?? { label: uniqueName, icon: 'note' };
}
