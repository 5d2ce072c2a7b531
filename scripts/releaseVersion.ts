/**
 * Whether a tag may be released: it is `v` and the version of the manifest, and the change log begins with that version
 * and a date. Run with a tag as argument it says what is wrong and fails.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './build.ts';

/** Undefined if all is well. */
export function releaseProblem(tag: string, version: string, changelog: string): string | undefined {
	if (tag !== `v${version}`) return `the tag is ${tag}, the manifest says ${version}`;
	const heading = /^## \[([^\]]+)\] - (.+)$/m.exec(changelog);
	if (heading?.[1] !== version) return `the change log begins with ${heading?.[1] ?? 'no version'}`;
	if (!/^\d{4}-\d{2}-\d{2}$/.test(heading[2] ?? '')) return `the change log says ${heading[2]} in place of a date`;
	return undefined;
}

if (import.meta.main) {
	const { version }: { version: string } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
	const changelog = readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8');
	const problem = releaseProblem(process.argv[2] ?? '', version, changelog);
	if (problem !== undefined) {
		console.error(problem);
		process.exitCode = 1;
	}
}
