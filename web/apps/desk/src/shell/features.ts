/**
 * All features there are: every folder below `features/` with a `feature.ts`.
 *
 * Nothing else names a feature, so deleting its folder removes it.
 */
import type { Feature } from '@sinew/plugin';

const manifests = import.meta.glob<{ default: Feature }>('../features/*/feature.ts', {
  eager: true,
});

export const features: readonly Feature[] = Object.values(manifests).map(
  (manifest) => manifest.default,
);
