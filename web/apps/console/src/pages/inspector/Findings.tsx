import { Icon } from '@sinew/ui';
import styles from './Findings.module.css';
import { findingTitle } from './findings.ts';
import type { Finding } from './source.ts';

/** What the use of an object says against it, by name, with what helps. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  if (findings.length === 0) return null;
  return (
    <ul className={styles.findings} data-testid="findings">
      {findings.map((finding) => (
        <li key={finding.code} data-code={finding.code}>
          <Icon name="flame" size={18} />
          <div>
            <strong>{findingTitle(finding)}</strong>
            {finding.text !== null && <p>{finding.text}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
