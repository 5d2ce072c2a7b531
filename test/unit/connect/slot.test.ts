/** The one place in a tool's file that is ours, in files where it is not, or is already as it should be. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeChange, revert } from '../../../src/auth/connect/change.ts';
import { FileProblem, isFileProblem } from '../../../src/auth/connect/format.ts';
import { formatOf, type Slot } from '../../../src/auth/connect/slot.ts';
import { applySplice } from '../../../src/auth/connect/splice.ts';

const claude: Slot = { format: 'json', path: ['env', 'TTL'] };
const codex: Slot = { format: 'toml', table: ['model_providers', 'p', 'auth'] };
const git: Slot = { format: 'git', url: 'https://h', helper: '!agent-auth git-credential acme' };
const aws: Slot = { format: 'aws', profile: 'work' };
const ada: Slot = { format: 'kube', user: 'ada', added: false };
const added: Slot = { format: 'kube', user: 'new', added: true };

describe('a slot', () => {
	const slots = [claude, codex, git, aws, ada, added];

	it('that holds nothing has nothing to take', () => {
		for (const slot of slots) {
			const text = slot.format === 'kube' ? 'kind: Config\n' : '';
			assert.equal(formatOf(slot).read(text), undefined);
			assert.throws(
				() => formatOf(slot).take(text),
				(error) => error instanceof FileProblem && error.code === 'unsupported',
				slot.format,
			);
		}
	});

	it('that cannot be there leaves all of the file as the rest', () => {
		assert.deepEqual(formatOf(claude).rest('{ "env": "x" }'), { env: 'x' });
		assert.deepEqual(formatOf(codex).rest('[model_providers]\np = 1\n'), { model_providers: { p: 1 } });
		assert.deepEqual(formatOf(ada).rest('users: { a: b }\n'), { users: { a: 'b' } });
	});

	it('that holds our value already needs no change', () => {
		const text = '{ "env": { "TTL": "ours" } }';
		assert.deepEqual(makeChange(text, [{ slot: claude, value: 'ours' }]), { before: text, after: text, steps: [] });
	});
});

describe('a splice', () => {
	it('is refused by a text that it was not made for', () => {
		assert.throws(() => applySplice('abc', { at: 1, removed: 'x', inserted: '' }), /another text/);
		assert.throws(() => revert('abc', [{ slot: aws, value: 'x', splice: { at: 0, removed: '', inserted: 'z' } }]));
	});
});

describe('the problem of a file', () => {
	it('is known by its name, because it may come out of another bundle', () => {
		const foreign = Object.assign(new Error('x'), { name: 'FileProblem', code: 'io' });
		assert.ok(isFileProblem(foreign) && isFileProblem(new FileProblem('io', 'x')));
		for (const other of [
			new Error('x'),
			Object.assign(new Error('x'), { name: 'FileProblem' }),
			{ name: 'FileProblem' },
		])
			assert.equal(isFileProblem(other), false);
	});
});
