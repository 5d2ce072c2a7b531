/** Forms of files that people write and the golden files do not have: each is changed and undone, or refused whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeChange, revert, takeBack } from '../../../src/auth/connect/change.ts';
import { FileProblem, type FileProblemCode, type Value } from '../../../src/auth/connect/format.ts';
import type { Slot } from '../../../src/auth/connect/slot.ts';
import { placesOf } from '../../../src/auth/connect/splice.ts';

const helper = "!'/a b/agent-auth' git-credential acme";
const claude: Slot = { format: 'json', path: ['env', 'TTL'] };
const codex: Slot = { format: 'toml', table: ['model_providers', 'p', 'auth'] };
const git: Slot = { format: 'git', url: 'https://h', helper };
const aws: Slot = { format: 'aws', profile: 'work' };
const ada: Slot = { format: 'kube', user: 'ada', added: false };
const added: Slot = { format: 'kube', user: 'new', added: true };

const VALUES: Readonly<Record<Slot['format'], Value>> = {
	json: 'ours',
	toml: { command: 'agent-auth' },
	git: helper,
	aws: 'agent-auth credential-process acme',
	kube: { command: 'agent-auth', args: ['# b'] },
};

const problem = (code: FileProblemCode) => (error: unknown) => error instanceof FileProblem && error.code === code;

/** Lines of text; the last one ends as well. */
const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;

/** Puts our value, checks that it can be undone byte for byte, and answers what the file is then. */
function put(text: string, slot: Slot): string {
	const { after, steps } = makeChange(text, [{ slot, value: VALUES[slot.format] }]);
	assert.equal(revert(after, steps), text);
	return after;
}

/** Puts our value, lets somebody edit the file, and takes the value back out of what is there then. */
function takeOutOf(text: string, slot: Slot, edit: (after: string) => string): string {
	const { after, steps } = makeChange(text, [{ slot, value: VALUES[slot.format] }]);
	const edited = edit(after);
	assert.notEqual(edited, after, 'the edit changes something');
	const taken = takeBack(edited, steps);
	assert.equal(taken.left, 0);
	return taken.text;
}

describe('a form of a file that is not the usual one', () => {
	const forms: readonly (readonly [what: string, slot: Slot, before: string, after: string])[] = [
		['an object whose brackets are on two lines', claude, '{\n}\n', '{\n  "env": {\n    "TTL": "ours"\n  }\n}\n'],
		[
			'a comma and a comment behind the last property',
			claude,
			'{\n  "a": 1, // mine\n}\n',
			'{\n  "a": 1, // mine\n  "env": {\n    "TTL": "ours"\n  }\n}\n',
		],
		[
			'a table at the end without a line break',
			codex,
			'[a]\nb = 1',
			'[a]\nb = 1\n\n[model_providers.p.auth]\ncommand = "agent-auth"',
		],
		[
			'a table of ours that somebody ended without a line break',
			codex,
			'[model_providers.p.auth]\ncommand = "x"',
			'[model_providers.p.auth]\ncommand = "agent-auth"',
		],
		[
			'arrays of tables around',
			codex,
			lines('[model_providers.p]', 'name = "P"', '[[other]]', 'a = 1', '[[other]]', 'a = 2'),
			lines(
				...['[model_providers.p]', 'name = "P"', '', '[model_providers.p.auth]', 'command = "agent-auth"'],
				...['[[other]]', 'a = 1', '[[other]]', 'a = 2'],
			),
		],
		[
			'the default profile',
			{ ...aws, profile: 'default' },
			'',
			lines('[default]', `credential_process = ${VALUES.aws}`),
		],
		[
			'the name of a profile in single quotes',
			{ ...aws, profile: 'at work' },
			lines("[profile 'at work']", 'region = x'),
			lines("[profile 'at work']", 'region = x', `credential_process = ${VALUES.aws}`),
		],
		[
			'indented keys, with text behind the header',
			aws,
			lines('[profile work] of my own', '  region = x', '  s3 =', '    a = 1', '[profile b]'),
			lines(
				...['[profile work] of my own', '  region = x', '  s3 =', '    a = 1'],
				...[`  credential_process = ${VALUES.aws}`, '[profile b]'],
			),
		],
		[
			'colons, and a key that is there',
			aws,
			lines('[profile work]', 'region: x', 'credential_process:old', 'output: json'),
			lines('[profile work]', 'region: x', `credential_process:${VALUES.aws}`, 'output: json'),
		],
		[
			'colons',
			aws,
			lines('[profile work]', 'region: x'),
			lines('[profile work]', 'region: x', `credential_process: ${VALUES.aws}`),
		],
		[
			'a key without a value, and one that is indented less than the one before',
			aws,
			lines('[profile work]', '    region =', '  credential_process='),
			lines('[profile work]', '    region =', `  credential_process= ${VALUES.aws}`),
		],
		[
			'entries on the line of their header, escapes, and keys without a value',
			git,
			lines('[a] k = "a\\tb" c', '[b]', '\tflag', '\tk = "" d'),
			lines(
				...['[a] k = "a\\tb" c', '[b]', '\tflag', '\tk = "" d'],
				...['[credential "https://h"]', '\thelper =', `\thelper = "${helper}"`],
			),
		],
		[
			'a user about whom nothing is said, with a comment',
			ada,
			lines('users:', '- name: ada', '  user: # none yet'),
			lines('users:', '- name: ada', '  user: # none yet', ...exec('    ')),
		],
		[
			'blank lines inside of a user',
			ada,
			lines('users:', '- name: ada', '  user:', '    as: x', '', '    as-groups:', '    - a', '', 'kind: Config'),
			lines(
				...['users:', '- name: ada', '  user:', '    as: x', '', '    as-groups:', '    - a', ...exec('    ')],
				...['', 'kind: Config'],
			),
		],
		[
			'an exec at the end without a line break',
			ada,
			'users:\n- name: ada\n  user:\n    exec:\n      command: x',
			lines('users:', '- name: ada', '  user:', ...exec('    ')).trimEnd(),
		],
		['no users', added, 'kind: Config\n', lines('kind: Config', 'users:', ...user('  '))],
		[
			'users: [], as kubectl writes it',
			added,
			'users: []\nkind: Config\n',
			lines('users:', ...user(''), 'kind: Config'),
		],
		['users: null, as kubectl writes it', added, 'users: null # mine\n', lines('users: # mine', ...user(''))],
		['users without a value', added, 'kind: Config\nusers:\n', lines('kind: Config', 'users:', ...user(''))],
	];
	for (const [what, slot, before, after] of forms)
		it(`is changed where only our value goes: ${what}`, () => {
			assert.equal(put(before, slot), after);
			const crlf = (text: string): string => text.replaceAll('\n', '\r\n');
			if (before !== '') assert.equal(put(crlf(before), slot), crlf(after));
		});

	const refused: readonly (readonly [what: string, slot: Slot, text: string, code: FileProblemCode])[] = [
		['JSON that is no object', claude, '[]\n', 'unsupported'],
		['something else where an object must be', claude, '{ "env": "x" }\n', 'unsupported'],
		['an inline table', codex, lines('[model_providers.p]', 'auth = { command = "x" }'), 'unsupported'],
		['keys with dots', codex, lines('[model_providers.p]', 'auth.command = "x"'), 'unsupported'],
		[
			'a value that goes on in the next line',
			aws,
			lines('[profile work]', 'credential_process =', '  x'),
			'unsupported',
		],
		['a line without a key', aws, lines('[profile work]', 'sk-canary'), 'unparsable'],
		['a key twice', aws, lines('[profile work]', 'region = x', 'Region = y'), 'unparsable'],
		['words behind a key', git, lines('[a]', '\tk v'), 'unparsable'],
		['an escape that git does not know', git, lines('[a]', '\tk = "\\q"'), 'unparsable'],
		['a backslash at the very end', git, '[a]\n\tk = a\\', 'unparsable'],
		['a quote that is open at the end', git, '[a]\n\tk = "a', 'unparsable'],
		['a quote that is open at the end of a line', git, '[a]\n\tk = "a\n', 'unparsable'],
		['no kubeconfig at all', ada, '', 'absent'],
		['a user who is not there', ada, lines('users:', '- name: bob', '  user: {}'), 'absent'],
		['a user who is there already', { ...added, user: 'ada' }, lines('users:', '- name: ada', '  user: {}'), 'changed'],
		['several documents', ada, lines('users: []', '---', 'users: []'), 'unsupported'],
		['a list', ada, '- a\n', 'unsupported'],
		['a declared version of YAML', ada, lines('%YAML 1.1', '---', 'users: []'), 'unsupported'],
		['a key that is a list', ada, lines('? [a]', ': b'), 'unsupported'],
		['a user in one line', ada, lines('users:', '- { name: ada, user: {} }'), 'unsupported'],
		['a user without fields', ada, lines('users:', '- name: ada'), 'unsupported'],
		['the fields of a user in one line', ada, lines('users:', '- name: ada', '  user: {as: x}'), 'unsupported'],
		['users in one line', added, lines('users: [{ name: ada }]'), 'unsupported'],
		['a last user who is none', added, lines('users:', '- ~'), 'unsupported'],
		['users that are no list', added, lines('users: { a: b }'), 'unsupported'],
		['a kubeconfig in one line', added, '{"kind": "Config"}\n', 'unsupported'],
	];
	for (const [what, slot, text, code] of refused)
		it(`is left as it is, ${code}: ${what}`, () => assert.throws(() => put(text, slot), problem(code)));
});

describe('our value in a file that somebody edited', () => {
	it('is taken out by the rules of JSON where it stands more often than can be told apart', () => {
		const own = '\n  "a": "ours",';
		const text = `{\n  "deep": [${Array.from({ length: 60 }, () => `{${own}\n  "b": 1 }`).join(', ')}]\n}\n`;
		assert.deepEqual(placesOf(text, { at: 0, removed: '', inserted: own }), []);
		const slot: Slot = { format: 'json', path: ['a'] };
		const edited = text.replace('{', `{${own}`);
		const splice = { at: 1, removed: '', inserted: own };
		assert.deepEqual(takeBack(edited, [{ slot, value: 'ours', splice }]), { text, left: 0 });
	});

	it('is taken out of JSON that was written anew in one line', () => {
		const edit = (): string => '{"env": {"TTL": "ours"}, "a": 1}';
		assert.equal(takeOutOf('{}', claude, edit), '{ "a": 1}');
	});

	it('is not mistaken for the same characters in a comment', () => {
		const text = '{\n  "a": 1\n}\n';
		const edit = (after: string): string => after.replace('{', '{ /* ,\n  "env": {\n    "TTL": "ours"\n  } */');
		assert.equal(takeOutOf(text, claude, edit), edit(text));
	});

	it('goes without the blank line before it, where somebody took that out', () => {
		const edit = (after: string): string => `${after.replace('\n\n', '\n')}[c]\n`;
		assert.equal(takeOutOf('[a]\nb = 1\n', codex, edit), '[a]\nb = 1\n[c]\n');
	});

	it('goes alone out of a section of git that somebody uses too', () => {
		const edit = (after: string): string =>
			`${after.replace('\thelper =\n', '\tusername = ada\n\thelper=\n')}\tuseHttpPath\n`;
		assert.equal(takeOutOf('', git, edit), lines('[credential "https://h"]', '\tusername = ada', '\tuseHttpPath'));
	});

	it('goes with a user who was added for it, and with the list if nobody else is in it', () => {
		const relaid = (after: string): string => after.replaceAll('"# b"', "'# b'");
		assert.equal(takeOutOf('kind: Config\n', added, relaid), 'kind: Config\n');
		const others = lines('users:', '- name: ada', '  user: {}');
		assert.equal(takeOutOf(others, added, relaid), others);
	});

	const kept: readonly (readonly [what: string, slot: Slot, text: string, edited: string])[] = [
		[
			'an inline table',
			codex,
			'[model_providers.p]\nname = "P"\n',
			'[model_providers.p]\nname = "P"\nauth = { command = "agent-auth" }\n',
		],
		[
			'a kubeconfig in one line',
			ada,
			lines('users:', '- name: ada', '  user: {}'),
			JSON.stringify({ users: [{ name: 'ada', user: { exec: VALUES.kube } }] }),
		],
		[
			'an added user in one line',
			added,
			'kind: Config\n',
			lines('kind: Config', 'users:', `- ${JSON.stringify({ name: 'new', user: { exec: VALUES.kube } })}`),
		],
		[
			'a key that is marked as one',
			ada,
			lines('users:', '- name: ada', '  user:', '    as: x'),
			lines('users:', '- name: ada', '  user:', '    as: x', '    ? exec', `    : ${JSON.stringify(VALUES.kube)}`),
		],
		[
			'the only key, marked as one',
			ada,
			lines('users:', '- name: ada', '  user: {}'),
			lines('users:', '- name: ada', '  user:', '    ? exec', `    : ${JSON.stringify(VALUES.kube)}`),
		],
	];
	for (const [what, slot, text, edited] of kept)
		it(`stays, and that is said, where it was written anew as ${what}`, () => {
			assert.throws(() => takeOutOf(text, slot, () => edited), problem('unsupported'));
		});

	it('is restored to the null that stood there', () => {
		const json: Slot = { format: 'json', path: ['apiKeyHelper'] };
		const edit = (after: string): string => after.replace('"ours"', ' "ours" ');
		assert.equal(takeOutOf('{\n  "apiKeyHelper": null\n}\n', json, edit), '{\n  "apiKeyHelper":  null \n}\n');
		const kube = lines('users:', '- name: ada', '  user:', '    exec:', '      command: x', '      env: null');
		assert.equal(
			takeOutOf(kube, ada, (after) => after.replaceAll('"# b"', "'# b'")),
			kube,
		);
	});
});

/** Our `exec` as it is written under a key with this indentation. */
function exec(indent: string): string[] {
	return ['exec:', '  command: agent-auth', '  args:', '    - "# b"'].map((line) => indent + line);
}

function user(indent: string): string[] {
	return ['- name: new', '  user:', ...exec('    ')].map((line) => indent + line);
}
