/** The text edits for any valid document, not only for those of the golden files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify as stringifyToml } from 'smol-toml';
import { stringify as stringifyYaml } from 'yaml';
import { type Assignment, makeChange, revert, takeBack } from '../../../src/auth/connect/change.ts';
import { FileProblem } from '../../../src/auth/connect/format.ts';
import { formatOf, type Slot } from '../../../src/auth/connect/slot.ts';

const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/);
const scalar = fc.oneof(
	fc.integer(),
	fc.boolean(),
	fc.string({ maxLength: 12 }),
	fc.constantFrom('# no', '// no', '/*', '"', "'"),
);
const eol = fc.constantFrom('\n', '\r\n');

/** JSON in many layouts, with comments in all places where they may be. */
const json = fc
	.record({
		value: fc.letrec((tie) => ({
			value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
			object: fc.dictionary(fc.oneof(name, fc.constantFrom('env', 'apiKeyHelper', '')), tie('value'), { maxKeys: 5 }),
		})).object,
		indent: fc.constantFrom('', '  ', '\t', '    '),
		comments: fc.infiniteStream(fc.constantFrom('', '', '', ' // a, "b"', ' /* c { */', '\n// own line\n')),
		eol,
		end: fc.constantFrom('', '\n', '\n\n'),
	})
	.map(({ value, indent, comments, eol: lineBreak, end }) => {
		const text = JSON.stringify(value, undefined, indent);
		// Line comments only at the end of a line, where they end with it.
		const commented = indent === '' ? text : text.replaceAll(/(?<=[,{[])\n/g, () => `${comments.next().value}\n`);
		return (commented + end).replaceAll('\n', lineBreak);
	});

const tomlTable = fc.dictionary(name, fc.oneof(scalar, fc.array(fc.integer(), { maxLength: 3 })), { maxKeys: 4 });
const toml = fc
	.record({
		top: tomlTable,
		tables: fc.dictionary(name, tomlTable, { maxKeys: 3 }),
		providers: fc.dictionary(fc.constantFrom('acme', 'proxy', 'a b'), tomlTable, { maxKeys: 3 }),
		comments: fc.infiniteStream(fc.constantFrom('', '', ' # [model_providers.acme.auth]')),
		eol,
		trim: fc.boolean(),
	})
	.map(({ top, tables, providers, comments, eol: lineBreak, trim }) => {
		const text = stringifyToml({ ...top, t: tables, model_providers: providers })
			.split('\n')
			.map((line) => (line === '' ? line : line + comments.next().value))
			.join(lineBreak);
		return trim ? text.trimEnd() : text;
	});

const kubeUser = fc.record({
	name,
	user: fc.dictionary(
		fc.constantFrom('as', 'token', 'exec', 'username'),
		fc.oneof(fc.string({ maxLength: 30 }), tomlTable),
		{
			maxKeys: 3,
		},
	),
});
const kube = fc
	.record({
		before: tomlTable,
		users: fc.uniqueArray(kubeUser, { selector: (user) => user.name, minLength: 1, maxLength: 4 }),
		after: tomlTable,
		indentSeq: fc.boolean(),
		eol,
	})
	.map(({ before, users, after, indentSeq, eol: lineBreak }) => ({
		text: stringifyYaml({ before, users, after }, { indentSeq }).replaceAll('\n', lineBreak),
		names: users.map((user) => user.name),
	}));

const iniLine = fc.constantFrom('region = a', 'output=json', '# c', '; c', '', 'x = [profile acme]', 'cli = "q" # d');
const section = fc.record({
	header: name,
	lines: fc.uniqueArray(iniLine, { selector: (line) => line || Math.random() }),
});
const sections = fc.uniqueArray(section, { selector: ({ header }) => header, maxLength: 4 });
const aws = fc.record({ sections, eol, trim: fc.boolean() }).map(({ sections: all, eol: lineBreak, trim }) => {
	const text = all.map(({ header, lines }) => [`[profile ${header}]`, ...lines, ''].join(lineBreak)).join('');
	return trim ? text.trimEnd() : text;
});

const gitLine = fc.constantFrom(
	'\tk = v',
	' k',
	'\tk = "a # b" ; c',
	'# c',
	';',
	'',
	'\tk = a\\\n b',
	'\tk = "\\"x\\\\"',
	'\thelper = store',
);
const gitSection = fc.constantFrom(
	'[core]',
	'[core] # c',
	'[remote "a \\"b\\""]',
	'[credential]',
	'[credential "https://h"]',
	'[a.b]',
);
const git = fc
	.record({
		parts: fc.array(fc.tuple(gitSection, fc.array(gitLine, { maxLength: 5 })), { maxLength: 4 }),
		eol,
		trim: fc.boolean(),
	})
	.map(({ parts, eol: lineBreak, trim }) => {
		const text = parts.map(([header, lines]) => `${[header, ...lines].join('\n')}\n`).join('');
		return (trim ? text.trimEnd() : text).replaceAll('\n', lineBreak);
	});

const jsonSlots = fc.constantFrom<Slot>(
	{ format: 'json', path: ['apiKeyHelper'] },
	{ format: 'json', path: ['env', 'TTL'] },
	{ format: 'json', path: ['a', 'b', 'c'] },
);
const helper = "!'/a b/agent-auth' git-credential acme";

type Case = { readonly text: string; readonly slot: Slot; readonly value: Assignment['value'] };

const CASES: Readonly<Record<string, fc.Arbitrary<Case>>> = {
	JSON: fc.record({ text: json, slot: jsonSlots, value: fc.constantFrom('v', '"\\', { a: ['b'] }) }),
	TOML: fc.record({
		text: toml,
		slot: fc.constantFrom<Slot>(
			{ format: 'toml', table: ['model_providers', 'acme', 'auth'] },
			{ format: 'toml', table: ['model_providers', 'a b', 'auth'] },
			{ format: 'toml', table: ['model_providers', 'other'] },
		),
		value: fc.constantFrom({ command: 'a "b"', args: ['x', 'y'] }, { n: 1 }),
	}),
	kubeconfig: kube.chain(({ text, names }) =>
		fc.record({
			text: fc.constant(text),
			slot: fc.oneof(
				fc.constantFrom(...names).map((user): Slot => ({ format: 'kube', user, added: false })),
				fc.constant<Slot>({ format: 'kube', user: 'Agent Auth', added: true }),
			),
			value: fc.constant({ apiVersion: 'v1', args: ['a', '# b'], interactiveMode: 'Never' }),
		}),
	),
	'AWS config': fc.record({
		text: aws,
		slot: name.map((profile): Slot => ({ format: 'aws', profile })),
		value: fc.constant('"/a b/agent-auth" credential-process acme'),
	}),
	'git config': fc.record({
		text: git,
		slot: fc.constant<Slot>({ format: 'git', url: 'https://h', helper }),
		value: fc.constant(helper),
	}),
};

/** A change that the format declares impossible changes nothing and is no failure of it, unless it is the usual answer. */
function changeOf({ text, slot, value }: Case): ReturnType<typeof makeChange> | undefined {
	try {
		return makeChange(text, [{ slot, value }]);
	} catch (error) {
		if (error instanceof FileProblem && error.code === 'unsupported') return undefined;
		throw error;
	}
}

for (const [language, cases] of Object.entries(CASES)) {
	describe(`an edit of any ${language}`, () => {
		it('puts the value, keeps all else, and is undone byte for byte', () => {
			let [made, all] = [0, 0];
			fc.assert(
				fc.property(cases, (example) => {
					all++;
					const change = changeOf(example);
					if (change === undefined) return;
					made++;
					const format = formatOf(example.slot);
					assert.deepEqual(format.read(change.after), example.value);
					assert.deepEqual(format.rest(change.after), format.rest(example.text));
					assert.equal(revert(change.after, change.steps), example.text);
					// Every character that is not replaced is still there, in its order.
					for (const { splice } of change.steps) {
						assert.equal(change.after.length, example.text.length - splice.removed.length + splice.inserted.length);
					}
				}),
				{ numRuns: 400 },
			);
			assert.ok(made > all * 0.7, `only ${made} of ${all} could be made`);
		});

		it('is taken out of a text whose line breaks were changed by its rules', () => {
			let [done, all] = [0, 0];
			fc.assert(
				fc.property(cases, (example) => {
					const change = changeOf(example);
					if (change === undefined || change.steps.length === 0) return;
					const edited = change.after.includes('\r\n')
						? change.after.replaceAll('\r\n', '\n')
						: change.after.replaceAll('\n', '\r\n');
					const format = formatOf(example.slot);
					all++;
					let taken: ReturnType<typeof takeBack>;
					try {
						taken = takeBack(edited, change.steps);
					} catch (error) {
						if (error instanceof FileProblem && error.code === 'unsupported') return;
						throw error;
					}
					if (taken.left > 0) return;
					done++;
					assert.deepEqual(format.read(taken.text), change.steps[0]?.previous);
					assert.deepEqual(format.rest(taken.text), format.rest(edited));
				}),
				{ numRuns: 300 },
			);
			assert.ok(done > all * 0.9, `only ${done} of ${all} could be taken back`);
		});

		it('is put into an empty file and taken out of it', () => {
			if (language === 'kubeconfig') return; // Without clusters there is nothing to connect.
			fc.assert(
				fc.property(cases, ({ slot, value }) => {
					const change = makeChange('', [{ slot, value }]);
					assert.deepEqual(formatOf(slot).read(change.after), value);
					assert.equal(revert(change.after, change.steps), '');
				}),
				{ numRuns: 20 },
			);
		});
	});
}

describe('a value that somebody changed', () => {
	it('is left alone, and the others are taken back', () => {
		const slots = ['a', 'b'].map((key): Slot => ({ format: 'json', path: [key] }));
		const change = makeChange(
			'{}',
			slots.map((slot) => ({ slot, value: 'ours' })),
		);
		const edited = change.after.replace('"b": "ours"', '"b": "theirs"');
		assert.deepEqual(takeBack(edited, change.steps), { text: '{\n  "b": "theirs"\n}', left: 1 });
	});
});

describe('what git itself reads', () => {
	it('is what we read, and our helper comes last after a reset', () => {
		const folder = mkdtempSync(path.join(tmpdir(), 'agent-auth-git-'));
		try {
			const file = path.join(folder, 'config');
			fc.assert(
				fc.property(git, (text) => {
					const { after } = makeChange(text, [{ slot: { format: 'git', url: 'https://h', helper }, value: helper }]);
					writeFileSync(file, after);
					const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
					const read = (...args: string[]): string =>
						execFileSync('git', ['config', '--file', file, ...args], { env, encoding: 'utf8' });
					const helpers = read('--get-urlmatch', 'credential.helper', 'https://h/repo.git');
					assert.equal(helpers.trimEnd(), helper);
					const all = read('-z', '--get-all', 'credential.https://h.helper').split('\0');
					assert.deepEqual(all.slice(-3), ['', helper, '']);
				}),
				{ numRuns: 40 },
			);
		} finally {
			rmSync(folder, { recursive: true, force: true });
		}
	});
});
