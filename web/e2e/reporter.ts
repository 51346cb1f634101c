/**
 * One line for each journey (`ok` or `FAIL`), and a closing line with the counts.
 */
import type { UserConsoleLog } from 'vitest';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

export default class Lines implements Reporter {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  onTestCaseResult(test: TestCase): void {
    const name = `${test.module.relativeModuleId.replace('.e2e.ts', '')}: ${test.fullName}`;
    const result = test.result();
    const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1);
    switch (result.state) {
      case 'passed':
        this.#passed += 1;
        console.log(`ok   ${name} (${seconds} s)`);
        return;
      case 'failed':
        this.#fail(name, result.errors);
        return;
      case 'skipped':
        this.#skipped += 1;
        console.log(`skip ${name}`);
        return;
      case 'pending':
        return;
    }
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    for (const module of modules) {
      const broken = [module, ...module.children.allSuites()].flatMap((suite) => suite.errors());
      if (broken.length > 0) this.#fail(`${module.relativeModuleId}: setting up`, broken);
    }
    if (errors.length > 0) this.#fail('outside of every journey', errors);
    const counts = `${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped`;
    console.log(`e2e: ${counts}`);
  }

  onUserConsoleLog(log: UserConsoleLog): void {
    process.stdout.write(log.content.replace(/^(?=.)/gm, '     '));
  }

  #fail(name: string, errors: readonly { message: string; stack?: string }[]): void {
    this.#failed += 1;
    console.log(`FAIL ${name}`);
    for (const error of errors) {
      const text = `${error.message}\n${error.stack ?? ''}`;
      console.log(text.replace(/^/gm, '     '));
    }
  }
}
