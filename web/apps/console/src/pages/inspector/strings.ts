import { strings } from '@sinew/ui';
import { english } from './strings.en.ts';

export const t = strings('inspector', english);
