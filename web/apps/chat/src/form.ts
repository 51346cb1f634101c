/**
 * The form: name, topic, question. What is wrong is said at the field it belongs to.
 */
import { askForHelp, type HelpRequest, Problem, type Topic } from '@sinew/api';
import { make } from './dom.ts';
import { t } from './strings.en.ts';

type Field = keyof HelpRequest;
type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** The server's own limits are the ones that hold; these keep a slip from being sent at all. */
const MAX_NAME = 64;
const MAX_TEXT = 2000;

export function helpForm(
  topics: readonly Topic[],
  onAsked: (token: string, request: HelpRequest) => void,
): HTMLElement {
  const controls: Record<Field, Control> = {
    name: make('input', { id: 'name', name: 'name', autocomplete: 'name', maxLength: MAX_NAME }),
    topic: make(
      'select',
      { id: 'topic', name: 'topic' },
      ...topics.map((topic) => make('option', { value: topic.id }, topic.label)),
    ),
    text: make('textarea', { id: 'text', name: 'text', rows: 5, maxLength: MAX_TEXT }),
  };
  const general = make('p', { className: 'error', hidden: true, attributes: { role: 'alert' } });
  const button = make('button', { type: 'submit', className: 'primary' }, t('submit'));
  const form = make(
    'form',
    { noValidate: true },
    general,
    ...(['name', 'topic', 'text'] as const).map((field) => labelled(field, controls[field])),
    button,
  );

  const show = (errors: Partial<Record<Field | 'form', string>>) => {
    general.hidden = errors.form === undefined;
    general.textContent = errors.form ?? '';
    let first: Control | null = null;
    for (const field of ['name', 'topic', 'text'] as const) {
      mark(controls[field], errors[field] ?? null);
      if (errors[field] !== undefined) first ??= controls[field];
    }
    first?.focus();
  };

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const request: HelpRequest = {
      name: controls.name.value.trim(),
      topic: controls.topic.value,
      text: controls.text.value.trim(),
    };
    const errors = check(request);
    show(errors);
    if (Object.keys(errors).length > 0) return;
    button.disabled = true;
    button.textContent = t('submitting');
    try {
      const { token } = await askForHelp(request);
      onAsked(token, request);
    } catch (problem) {
      button.disabled = false;
      button.textContent = t('submit');
      show(explain(problem));
    }
  });
  return form;
}

function check(request: HelpRequest): Partial<Record<Field, string>> {
  const errors: Partial<Record<Field, string>> = {};
  if (request.name === '') errors.name = t('missingName');
  if (request.text === '') errors.text = t('missingText');
  return errors;
}

/** The server begins a refusal with the field it is about: `name: must be one line of text`. */
function explain(problem: unknown): Partial<Record<Field | 'form', string>> {
  if (!(problem instanceof Problem)) return { form: t('failed', { message: String(problem) }) };
  if (problem.kind === 'too-many') return { form: t('tooMany') };
  if (problem.kind === 'unreachable') return { form: t('unreachable') };
  if (problem.kind === 'invalid') {
    const named = (['name', 'topic', 'text'] as const).find((field) =>
      problem.message.startsWith(`${field}:`),
    );
    if (named !== undefined) return { [named]: sentence(problem.message.slice(named.length + 1)) };
  }
  return { form: t('failed', { message: problem.message }) };
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
}

function labelled(field: Field, control: Control): HTMLElement {
  return make(
    'div',
    { className: 'field' },
    make('label', { htmlFor: field }, t(field)),
    control,
    make('p', { className: 'error', id: `${field}-error`, hidden: true }),
  );
}

function mark(control: Control, error: string | null): void {
  const place = control.parentElement?.querySelector<HTMLElement>('.error');
  if (place) {
    place.hidden = error === null;
    place.textContent = error ?? '';
  }
  if (error === null) {
    control.removeAttribute('aria-invalid');
    control.removeAttribute('aria-describedby');
  } else {
    control.setAttribute('aria-invalid', 'true');
    control.setAttribute('aria-describedby', `${control.id}-error`);
  }
}
