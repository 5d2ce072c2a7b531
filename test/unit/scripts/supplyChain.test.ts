/** What comes from elsewhere: exact, locked, under a licence that is known, and fetched by workflows that are pinned. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../../../scripts/build.ts';
import { fuzzTable } from '../../../scripts/fuzzTable.ts';
import { releaseProblem } from '../../../scripts/releaseVersion.ts';
import { tightZip } from '../../../scripts/tightZip.ts';

/** Permissive ones, whose only condition is that they are passed on. */
const ALLOWED: ReadonlySet<string> = new Set([
	'0BSD',
	'Apache-2.0',
	'Artistic-2.0',
	'BSD-2-Clause',
	'BSD-3-Clause',
	'BlueOak-1.0.0',
	'ISC',
	'MIT',
	'Zlib',
]);

/** Tools that are not in the VSIX, under a licence of their own. */
const OWN_LICENCE = /^node_modules\/(?:@vscode\/vsce-sign(?:-[\w-]+)?|ovsx)$/;

type Locked = {
	readonly version?: string;
	readonly integrity?: string;
	readonly license?: string;
	readonly resolved?: string;
	readonly dev?: boolean;
};

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function locked(file: string): [name: string, entry: Locked][] {
	const lock: { lockfileVersion: number; packages: Record<string, Locked> } = JSON.parse(read(file));
	assert.equal(lock.lockfileVersion, 3);
	return Object.entries(lock.packages).filter(([name]) => name !== '');
}

/** `A OR B` is allowed if one is, `A AND B` if both are. */
function isAllowed(licence: string): boolean {
	const text = licence.replaceAll(/[()]/g, '');
	if (text.includes(' OR ')) return text.split(' OR ').some(isAllowed);
	return text.split(' AND ').every((one) => ALLOWED.has(one));
}

for (const lock of ['package-lock.json', '.github/publish/package-lock.json']) {
	describe(lock, () => {
		it('names the content of each package by its digest, and no place but the registry', () => {
			for (const [name, entry] of locked(lock)) {
				assert.match(entry.integrity ?? '', /^sha512-/, name);
				if (entry.resolved !== undefined) assert.match(entry.resolved, /^https:\/\/registry\.npmjs\.org\//, name);
			}
		});

		it('holds only licences that are known and allowed', () => {
			for (const [name, { license, dev }] of locked(lock)) {
				const isTool = lock !== 'package-lock.json' || dev === true;
				const allowed = isAllowed(license ?? 'none') || (isTool && OWN_LICENCE.test(name));
				assert.ok(allowed, `${name}: ${license}`);
			}
		});
	});
}

describe('the dependencies', () => {
	it('are exact versions', () => {
		for (const file of ['package.json', '.github/publish/package.json']) {
			const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(read(file));
			for (const kind of ['dependencies', 'devDependencies'])
				for (const [name, version] of Object.entries(manifest[kind] ?? {}))
					assert.match(version, /^\d+(?:\.\d+\.\d+)?$/, `${file}: ${name}`);
		}
	});
});

describe('the workflows', () => {
	for (const file of globSync('.github/workflows/*.yml', { cwd: ROOT })) {
		it(`${path.basename(file)}: begins without permissions, pins every action by its commit`, () => {
			const text = read(file);
			assert.match(text, /^permissions: \{\}$/m);
			const used = [...text.matchAll(/^\s*-? ?uses: (.+)$/gm)].map(([, action]) => action ?? '');
			assert.ok(used.length > 0);
			for (const action of used) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
			// An expression in a script is text that somebody else may have written.
			for (const [script] of text.matchAll(/run: [^\n]*(?:\n {10,}[^\n]*)*/g))
				assert.doesNotMatch(script, /\$\{\{ (?:secrets|github\.(?:event|head_ref|ref_name))/, script);
		});
	}
});

describe('a release', () => {
	const log = '# Changelog\n\n## [1.2.3] - 2030-01-02\n\n## [1.2.2] - 2029-01-01\n';
	it('has one version in tag, manifest and change log, and a date', () => {
		assert.equal(releaseProblem('v1.2.3', '1.2.3', log), undefined);
		assert.match(releaseProblem('v1.2.4', '1.2.3', log) ?? '', /tag/);
		assert.match(releaseProblem('v1.2.2', '1.2.2', log) ?? '', /begins with 1\.2\.3/);
		assert.match(releaseProblem('v1.2.3', '1.2.3', log.replace('2030-01-02', 'Unreleased')) ?? '', /date/);
		assert.match(releaseProblem('v1.2.3', '1.2.3', '') ?? '', /no version/);
	});
});

describe('the parts of the scripts', () => {
	it('sum up what fuzzers say', () => {
		const { lines, cases, lost } = fuzzTable([
			'x',
			'  fuzz a: 5 cases, 3 faults, 4 survived, 1 lost, seed -7',
			'fuzz b: 1 cases, 0 faults, 1 survived, 0 lost, seed 2',
		]);
		assert.equal(cases, 6);
		assert.equal(lost, 1);
		assert.equal(lines.length, 4);
		assert.match(lines[3] ?? '', /in all +6 +3 +5 +1/);
	});

	it('refuse to change what is no zip file', async () => {
		await assert.rejects(tightZip(Buffer.from('no zip')));
	});
});
