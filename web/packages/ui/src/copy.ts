/**
 * To the clipboard, also where the page came over plain HTTP: browsers keep their own way for
 * HTTPS and this machine, and servers in a house have neither.
 */
import { useState } from 'react';

/** How long it is said that something was copied. */
const SAID_MS = 1_500;

/** Whether the text was copied just now, and the way to do so. */
export function useCopy(text: string): [isCopied: boolean, copy: () => void] {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), SAID_MS);
  };
  return [isCopied, () => void copy().catch(() => undefined)];
}

async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const from = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  if (from instanceof HTMLElement) from.focus({ preventScroll: true });
  if (!isCopied) throw new Error('the browser copies nothing');
}
