import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const WEB = join(import.meta.dirname, '../../..');
const FEATURES = join(import.meta.dirname, 'features');

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** What a file imports: packages by name, files by absolute path. */
function imports(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const found = [...text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map((m) => m[1] ?? '');
  return found.map((name) => (name.startsWith('.') ? resolve(dirname(path), name) : name));
}

function breaches(folder: string, isAllowed: (imported: string, path: string) => boolean) {
  return sources(folder).flatMap((path) =>
    imports(path)
      .filter((imported) => !isAllowed(imported, path))
      .map((imported) => `${relative(WEB, path)} imports ${imported}`),
  );
}

const isTest = (path: string) => /\.test\.tsx?$/.test(path);
const isInside = (path: string, folder: string) => path.startsWith(`${folder}/`);
const names = readdirSync(FEATURES);

describe('the parts of the pages', () => {
  it('are found where they are looked for', () => {
    expect(names.length).toBeGreaterThan(8);
    expect(imports(join(import.meta.dirname, 'main.tsx'))).toContain('@sinew/ui');
  });

  it.each(names)('feature %s is whole and knows neither another feature nor the shell', (name) => {
    const folder = join(FEATURES, name);
    const allowed = ['@sinew/', '@mantine/', 'react', 'react-router'];
    expect(readdirSync(folder)).toContain('feature.ts');
    const shows = sources(folder).some((path) => path.endsWith('.tsx') && !isTest(path));
    if (shows) expect(readdirSync(folder)).toContain('strings.en.ts');
    expect(
      breaches(folder, (imported, path) => {
        if (imported.startsWith('/')) return isInside(imported, folder);
        return isTest(path) || allowed.some((prefix) => imported.startsWith(prefix));
      }),
    ).toEqual([]);
  });

  it('no file outside a feature names one', () => {
    const own = join(import.meta.dirname);
    expect(
      breaches(own, (imported, path) => isInside(path, FEATURES) || !isInside(imported, FEATURES)),
    ).toEqual([]);
    const glob = readFileSync(join(own, 'shell/features.ts'), 'utf8');
    expect(glob).toContain("'../features/*/feature.ts'");
  });

  it('packages import downwards only', () => {
    const below: Record<string, string[]> = {
      api: [],
      ui: [],
      plugin: ['@sinew/api'],
      frame: ['@sinew/api', '@sinew/ui'],
    };
    for (const [name, allowed] of Object.entries(below)) {
      const folder = join(WEB, 'packages', name, 'src');
      expect(
        breaches(folder, (imported) => {
          if (imported.startsWith('/')) return isInside(imported, folder);
          return !imported.startsWith('@sinew/') || allowed.includes(imported);
        }),
      ).toEqual([]);
    }
  });

  it('have the styles of every component they use', () => {
    const styles = readFileSync(join(WEB, 'packages/ui/src/styles.ts'), 'utf8');
    const known = readdirSync(join(WEB, 'node_modules/@mantine/core/styles'));
    const used = ['apps/desk', 'apps/console', 'packages/frame', 'packages/ui']
      .flatMap((part) => sources(join(WEB, part, 'src')))
      .flatMap((path) => [
        ...readFileSync(path, 'utf8').matchAll(/import \{([^}]*)\} from '@mantine\/core'/g),
      ])
      .flatMap((found) => (found[1] ?? '').split(',').map((name) => name.trim()))
      .filter((name) => known.includes(`${name}.css`));
    expect(used).toContain('Button');
    const missing = used.filter((name) => !styles.includes(`/styles/${name}.css`));
    expect(missing).toEqual([]);
  });

  it("the console uses what is shared, not what is the desk's", () => {
    const own = join(WEB, 'apps/console/src');
    expect(
      breaches(own, (imported) => {
        if (imported.startsWith('/')) return isInside(imported, own);
        return imported !== '@sinew/plugin';
      }),
    ).toEqual([]);
  });

  it('only the link speaks with the SDK', () => {
    const link = join(import.meta.dirname, 'link');
    expect(
      breaches(
        import.meta.dirname,
        (imported, path) => imported !== 'twilio-taskrouter' || isInside(path, link),
      ),
    ).toEqual([]);
  });
});
