/**
 * What somebody typed, as the JSON it is to be.
 */
import { type JsonNode, JsonSyntaxError, readJson } from '@sinew/ui';
import { t } from './strings.ts';

/** The value, or in words why it is none. */
export function parseValue(text: string): JsonNode | string {
  try {
    return readJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const before = text.slice(0, error.at).split('\n');
    return t('badJson', { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
  }
}
