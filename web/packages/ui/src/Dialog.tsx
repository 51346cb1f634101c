import { CloseButton, Modal } from '@mantine/core';
import { type ReactNode, useLayoutEffect } from 'react';
import styles from './Dialog.module.css';
import { strings } from './strings.ts';

const t = strings('ui', { close: 'Close' });

interface DialogProps {
  opened: boolean;
  onClose(): void;
  title: string;
  /** Whether something is typed in it, which a click beside it must not take away. */
  isForm?: boolean;
  children: ReactNode;
}

/** A question or a list over the page; takes the focus and gives it back. */
export function Dialog({ opened, onClose, title, isForm = false, children }: DialogProps) {
  useFocusBack(opened);
  return (
    <Modal.Root
      opened={opened}
      onClose={onClose}
      closeOnClickOutside={!isForm}
      centered
      transitionProps={{ duration: 0 }}
    >
      <Modal.Overlay />
      <Modal.Content>
        <div className={styles.top}>
          <Modal.Title className={styles.title}>{title}</Modal.Title>
          <CloseButton aria-label={t('close')} onClick={onClose} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** To where it was, also when the dialog goes from the page with whatever held it. */
function useFocusBack(opened: boolean): void {
  useLayoutEffect(() => {
    if (!opened) return;
    const from = document.activeElement;
    return () => {
      setTimeout(() => {
        const isAdrift = document.activeElement === document.body;
        if (isAdrift && from instanceof HTMLElement) from.focus({ preventScroll: true });
      });
    };
  }, [opened]);
}
