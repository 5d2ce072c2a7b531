/** The part of `yaml` that the bundle carries reads kubeconfigs as the whole package does. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { bundleOptions, ROOT } from '../../../scripts/build.ts';
import { isFileProblem } from '../../../src/auth/connect/format.ts';
import { kubeFormat, kubeUsers } from '../../../src/auth/connect/yamlFormat.ts';

type Bundled = { readonly kubeFormat: typeof kubeFormat; readonly kubeUsers: typeof kubeUsers };

const GOLDEN = path.join(ROOT, 'test', 'unit', 'connect', 'golden');

const EXEC = {
	apiVersion: 'v1',
	command: '/a b/agent-auth',
	args: ['exec-credential', 'acme'],
	interactiveMode: 'Never',
};

/** Each uses something of YAML that a part of the package is for. */
const DOCUMENTS: readonly string[] = [
	'',
	'# only a comment\n',
	'users: []\n',
	'users:\n- name: ada\n  user: {}\n',
	'users:\n- name: ada\n  user:\n',
	'users:\n- {name: ada, user: {token: x}}\n',
	'base: &base {token: x}\nusers:\n- name: ada\n  user: *base\n',
	'base: &base\n  as: x\nusers:\n- name: ada\n  user:\n    <<: *base\n    as: y\n',
	'users:\n- name: ada\n  user:\n    as: *nobody\n',
	'a: &a [x, x]\nb: &b [*a, *a]\nusers:\n- name: ada\n  user: {as: [*b, *b, *b, *b]}\n',
	'users:\n- name: !!str ada\n  user:\n    n: !!int 3\n    f: !!float 1\n    b: !!bool true\n    z: !!null null\n',
	'users:\n- name: ada\n  user:\n    set: !!set {a, b}\n    bin: !!binary aGk=\n    at: !!timestamp 2026-01-01\n    o: !!omap [a: 1]\n',
	'users:\n- name: ada\n  user:\n    own: !own {a: 1}\n    scalar: !own 1\n',
	'%YAML 1.1\n---\nusers:\n- name: yes\n  user: {}\n',
	'%YAML 1.2\n---\nusers:\n- name: ada\n  user: {as: 0o17, b: 0x1f, c: 1e3, d: .inf, e: .nan, f: 017, g: yes}\n',
	'%TAG ! tag:example.com,2026:\n---\nusers:\n- name: ada\n  user: {as: !x y}\n',
	'? [a, b]\n: c\nusers:\n- name: ada\n  user: {}\n',
	'? {a: b}\n: c\nusers:\n- name: ada\n  user: {}\n',
	'users:\n- name: ada\n  user:\n    ? long\n    : value\n',
	'null: x\n~: y\nusers:\n- name: ada\n  user: {}\n',
	'a: 1\na: 2\nusers:\n- name: ada\n  user: {}\n',
	'users: [\n',
	'users:\n\t- name: ada\n',
	'users:\n- name: ada\n user: {}\n',
	'users:\n- name: "ada\n',
	'a: 1\n---\nusers: []\n',
	'---\nusers:\n- name: ada\n  user: {}\n...\n',
	"users:\n- name: ada\n  user:\n    cert: |-\n      one\n      two\n    key: >+\n      one\n      two\n\n    quoted: \"a\\u0041\\\n      b\"\n    single: 'it''s'\n",
];

describe('what the bundle has of yaml', () => {
	let folder: string;
	let bundled: Bundled;

	before(async () => {
		folder = await mkdtemp(path.join(tmpdir(), 'agent-auth-yaml-'));
		const outfile = path.join(folder, 'yaml.cjs');
		await build({
			...bundleOptions('package'),
			entryPoints: [path.join(ROOT, 'src', 'auth', 'connect', 'yamlFormat.ts')],
			outfile,
		});
		bundled = createRequire(outfile)(outfile);
	});

	after(() => rm(folder, { recursive: true, force: true }));

	/** The result, or why there is none. */
	function outcome(work: () => unknown): unknown {
		try {
			return { value: work() };
		} catch (error) {
			// Any other error is one that nobody tells people about: also in the whole package there is none.
			assert.ok(isFileProblem(error), String(error));
			return { code: error.code, message: error.message };
		}
	}

	function compare(text: string, user: string): void {
		for (const added of [false, true]) {
			const slot = { format: 'kube', user, added } as const;
			for (const act of [
				({ kubeFormat: format }: Bundled) => format.read(text, slot),
				({ kubeFormat: format }: Bundled) => format.rest(text, slot),
				({ kubeFormat: format }: Bundled) => format.put(text, slot, EXEC),
				({ kubeFormat: format }: Bundled) => format.take(text, slot),
				({ kubeUsers: users }: Bundled) => [...users(text)],
			])
				assert.deepEqual(
					outcome(() => act(bundled)),
					outcome(() => act({ kubeFormat, kubeUsers })),
					text,
				);
		}
	}

	it('reads and edits every construct of YAML as the whole does, or refuses it for the same reason', () => {
		for (const text of DOCUMENTS) compare(text, 'ada');
	});

	it('reads and edits the golden files as the whole does', () => {
		const folders = readdirSync(GOLDEN).filter((name) => name.startsWith('kubectl'));
		assert.ok(folders.length >= 3);
		for (const folder of folders)
			for (const file of readdirSync(path.join(GOLDEN, folder)).filter((name) => name.endsWith('.txt')))
				for (const user of ['ada', 'bot', 'agent-auth-acme'])
					compare(readFileSync(path.join(GOLDEN, folder, file), 'utf8'), user);
	});

	it('does the same with any text that looks like YAML', () => {
		const line = fc.constantFrom(
			...['users:', '- name: ada', '  user:', '  user: {}', '    exec:', '      command: x', '    token: *a', '- &a x'],
			...[
				'  ? k',
				'  : v',
				'---',
				'...',
				'%YAML 1.1',
				'# c',
				'k: |',
				'  text',
				'"q": \'r\'',
				'[a, {b: c}]',
				'- ',
				'\t',
				'',
			],
		);
		const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'));
		const document = fc
			.record({
				users: fc.array(fc.record({ name: fc.constant('ada'), user: fc.object({ maxDepth: 2 }) })),
				x: fc.jsonValue(),
			})
			.map((value) => stringify(JSON.parse(JSON.stringify(value))));
		fc.assert(
			fc.property(fc.oneof(text, document), (any) => compare(any, 'ada')),
			{ numRuns: 150 },
		);
	});
});
