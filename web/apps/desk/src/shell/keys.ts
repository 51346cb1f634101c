/**
 * Turns key presses into actions.
 *
 * - Keys that someone types into a field, or that steer a menu or dialog, are left alone.
 * - Single keys can be switched off, for speech input and slips of the hand.
 */
import type { ActionDefinition, Desk } from '@sinew/plugin';
import { readChoice } from '@sinew/ui';
import { useEffect } from 'react';

const TAKES_TYPING =
  'input:not([type="checkbox"]):not([type="radio"]), textarea, select, [contenteditable="true"]';
const STEERS_ITSELF =
  '[role="dialog"], [role="menu"], [role="listbox"], [role="combobox"], [role="tablist"]';
const LIST = '[data-region="list"]';

export function useActionKeys(desk: Desk): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!isForUs(event)) return;
      for (const definition of desk.actions.list()) {
        if (!keysOf(definition).includes(keyName(event))) continue;
        const payload = definition.fromKey?.(desk.getState());
        if (payload === null) continue;
        if (!desk.actions.canInvoke(definition.name, payload as never)) continue;
        event.preventDefault();
        void desk.actions.invoke(definition.name, payload as never);
        return;
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [desk]);
}

export function keysOf(definition: ActionDefinition): readonly string[] {
  const { shortcut } = definition;
  if (shortcut === undefined) return [];
  return typeof shortcut === 'string' ? [shortcut] : shortcut;
}

function isForUs(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.repeat && !event.key.startsWith('Arrow')) return false;
  if (readChoice('keys', ['on', 'off'], 'on') === 'off' && event.key !== '?') return false;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(TAKES_TYPING) || target.closest(STEERS_ITSELF)) return false;
  // Arrows scroll; only in the list, or where nothing has the focus, do they move in the list.
  if (event.key.startsWith('Arrow') && target !== document.body && !target.closest(LIST)) {
    return false;
  }
  return true;
}

function keyName(event: KeyboardEvent): string {
  return event.key.length === 1 ? event.key.toLowerCase() : event.key;
}
