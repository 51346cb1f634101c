/**
 * Named texts, grouped by feature. English is complete and is what a missing text falls back to.
 */
import i18next from 'i18next';

const i18n = i18next.createInstance();
void i18n.init({
  lng: 'en',
  fallbackLng: 'en',
  initAsync: false,
  showSupportNotice: false,
  resources: {},
  // React escapes; doing it twice would show entities.
  interpolation: { escapeValue: false },
});

type Base<K extends string> = K extends `${infer B}_one` | `${infer B}_other` ? B : K;
type Values = Record<string, string | number>;

export type Strings<T extends Record<string, string>> = (
  key: Base<Extract<keyof T, string>>,
  values?: Values,
) => string;

/** Registers a feature's English texts and returns the way to read them in the chosen language. */
export function strings<T extends Record<string, string>>(group: string, english: T): Strings<T> {
  i18n.addResourceBundle('en', group, english);
  return (key, values) => i18n.t(key, { ns: group, ...values });
}
