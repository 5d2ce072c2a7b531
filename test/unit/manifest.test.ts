import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import { BUNDLE_PATH, bundleText } from '../../scripts/l10n.ts';
import type { ViewState } from '../../src/views/accounts/accountsModel.ts';
import type { ContextValues } from '../../src/views/contextKeys.ts';
import {
	ACCESS_VIEW_ID,
	COMMAND_IDS,
	EXTENSION_ID,
	SETTING_KEYS,
	VIEW_ID,
	WALKTHROUGH_ID,
} from '../../src/views/ids.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

const menuItem = v.object({ command: v.string(), when: v.optional(v.string()), group: v.optional(v.string()) });
const view = v.object({ id: v.string(), name: v.string(), icon: v.string() });

const manifestSchema = v.object({
	name: v.string(),
	publisher: v.string(),
	main: v.string(),
	icon: v.string(),
	l10n: v.string(),
	engines: v.object({ vscode: v.string() }),
	devDependencies: v.record(v.string(), v.string()),
	extensionKind: v.array(v.string()),
	activationEvents: v.array(v.string()),
	capabilities: v.object({
		untrustedWorkspaces: v.object({
			supported: v.string(),
			description: v.string(),
			restrictedConfigurations: v.array(v.string()),
		}),
		virtualWorkspaces: v.object({ supported: v.boolean() }),
	}),
	contributes: v.object({
		configuration: v.object({ properties: v.record(v.string(), v.looseObject({ scope: v.string() })) }),
		commands: v.array(
			v.object({ command: v.string(), title: v.string(), category: v.string(), icon: v.optional(v.string()) }),
		),
		menus: v.record(v.string(), v.array(menuItem)),
		viewsContainers: v.object({
			activitybar: v.array(v.object({ id: v.string(), title: v.string(), icon: v.string() })),
		}),
		views: v.record(v.string(), v.array(view)),
		viewsWelcome: v.array(v.object({ view: v.string(), contents: v.string(), when: v.optional(v.string()) })),
		walkthroughs: v.array(
			v.object({
				id: v.string(),
				steps: v.array(
					v.object({
						id: v.string(),
						media: v.object({ image: v.string(), altText: v.string() }),
						completionEvents: v.array(v.string()),
					}),
				),
			}),
		),
	}),
});

const manifestText = readFileSync(path.join(ROOT, 'package.json'), 'utf8');
const manifest = v.parse(manifestSchema, JSON.parse(manifestText));
const { contributes } = manifest;
const nls = v.parse(
	v.record(v.string(), v.string()),
	JSON.parse(readFileSync(path.join(ROOT, 'package.nls.json'), 'utf8')),
);
const sourceText = globSync('src/**/*.ts', { cwd: ROOT })
	.map((file) => readFileSync(path.join(ROOT, file), 'utf8'))
	.join('\n');

const VIEW_STATES: Record<ViewState, true> = {
	loading: true,
	noProvider: true,
	noAccount: true,
	keyMissing: true,
	keyUnreadable: true,
	storageFailed: true,
	damaged: true,
	newerSchema: true,
	accounts: true,
};

const CONTEXT_KEYS: Record<keyof ContextValues, true> = {
	'agentAuth.view': true,
	'agentAuth.accountCount': true,
	'agentAuth.guideOpened': true,
	'agentAuth.terminalServed': true,
};

const menuItems = Object.values(contributes.menus).flat();
const whenClauses = [
	...menuItems.flatMap(({ when }) => when ?? []),
	...contributes.viewsWelcome.flatMap(({ when }) => when ?? []),
];
const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
const completions = steps.flatMap(({ completionEvents }) => completionEvents);

function matches(text: string, pattern: RegExp): string[] {
	return [...new Set([...text.matchAll(pattern)].flatMap(([, found]) => found ?? []))].sort();
}

describe('package.json and the code', () => {
	it('have the same commands', () => {
		assert.deepEqual(contributes.commands.map(({ command }) => command).sort(), [...COMMAND_IDS].sort());
	});

	it('give every command a title and the category', () => {
		for (const { title, category } of contributes.commands) {
			assert.match(title, /^%command\.\w+%$/);
			assert.equal(category, 'Agent Auth');
		}
	});

	it('use in menus and texts only commands that exist, with an icon where they are inline', () => {
		const known: ReadonlySet<string> = new Set(COMMAND_IDS);
		for (const { command, group } of menuItems) {
			assert.ok(known.has(command), command);
			const icon = contributes.commands.find((entry) => entry.command === command)?.icon;
			if (group?.startsWith('inline') || group?.startsWith('navigation')) assert.match(icon ?? '', /^\$\([\w-]+\)$/);
		}
		for (const command of matches(Object.values(nls).join('\n'), /command:(agentAuth\.\w+)/g)) {
			assert.ok(known.has(command) || command === ACCESS_VIEW_ID, command);
		}
	});

	it('register no command anywhere but in the table', () => {
		assert.equal(sourceText.match(/registerCommand\(/g)?.length, 1);
	});

	it('hide from the palette what makes no sense there', () => {
		assert.deepEqual(contributes.menus.commandPalette, [
			{ command: 'agentAuth.signInStep', when: 'false' },
			{ command: 'agentAuth.report', when: 'false' },
			{ command: 'agentAuth.revokeAccess', when: 'false' },
		]);
	});

	it('have the same views', () => {
		const ids = Object.values(contributes.views).flatMap((views) => views.map(({ id }) => id));
		assert.deepEqual(ids, [VIEW_ID, ACCESS_VIEW_ID]);
		assert.deepEqual(
			Object.keys(contributes.views),
			contributes.viewsContainers.activitybar.map(({ id }) => id),
		);
		for (const found of whenClauses.flatMap((when) => matches(when, /(?<![.\w])view == ([\w.]+)/g)))
			assert.ok(ids.includes(found), found);
		assert.ok(contributes.viewsWelcome.every(({ view: id }) => ids.includes(id)));
	});

	it('use the same context keys, and values that are set', () => {
		const conditions = [...whenClauses, ...completions.filter((event) => event.startsWith('onContext:'))].join('\n');
		const used = matches(conditions, /(agentAuth\.\w+)/g).filter((key) => key !== VIEW_ID && key !== ACCESS_VIEW_ID);
		assert.deepEqual(used, Object.keys(CONTEXT_KEYS).sort());
		assert.equal(sourceText.match(/'setContext'/g)?.length, 1, 'context keys are set in contextKeys.ts only');
		const values = matches(whenClauses.join('\n'), /agentAuth\.view == (\w+)/g);
		assert.deepEqual(values, Object.keys(VIEW_STATES).sort());
	});

	it('have a welcome for every state but the list', () => {
		const states = contributes.viewsWelcome.flatMap(({ when }) => matches(when ?? '', /== (\w+)/g));
		assert.deepEqual([...states, 'accounts'].sort(), Object.keys(VIEW_STATES).sort());
	});

	it('match facts in context values that the view gives', () => {
		const facts = new Set([
			...['provider', 'bucket', 'apiKey', 'oauth', 'oidc', 'oauth2', 'inForce', 'renewable', 'empty', 'signingIn'],
			...['decision', 'tool'],
			...['ready', 'failing', 'needsSignIn', 'keyMissing', 'keyUnreadable', 'damaged', 'newerSchema'],
			...['storageFailed', 'signedOut'],
			...[
				'command',
				'reference',
				'disabled',
				'cooling',
				'outOfAutomatic',
				'first',
				'last',
				'needsDecision',
				'crosses',
				'bound',
			],
		]);
		const regexes = whenClauses.flatMap((when) => matches(when, /viewItem =~ \/(.*)\//g));
		assert.ok(regexes.length > 5);
		for (const regex of regexes) {
			assert.doesNotThrow(() => new RegExp(regex));
			for (const word of matches(regex.replaceAll('\\b', ' '), /([A-Za-z]+)/g)) assert.ok(facts.has(word), word);
		}
	});

	it('have the same settings, all but the binding out of the reach of a workspace', () => {
		const keys = Object.keys(contributes.configuration.properties);
		assert.deepEqual(keys.sort(), SETTING_KEYS.map((key) => `agentAuth.${key}`).sort());
		for (const [key, { scope }] of Object.entries(contributes.configuration.properties)) {
			// What a workspace says there counts after the person confirmed it.
			assert.equal(scope, key === 'agentAuth.bindings' ? 'resource' : 'application', key);
		}
		assert.deepEqual([...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort(), keys);
		for (const key of SETTING_KEYS) {
			const last = key.split('.').at(-1);
			assert.match(sourceText, new RegExp(`'${last}'|\\b${last}\\b`), key);
		}
	});

	it('have the same texts, none missing and none left over', () => {
		assert.deepEqual(matches(manifestText, /"%([\w.]+)%"/g), Object.keys(nls).sort());
	});

	it('name the same extension', () => assert.equal(`${manifest.publisher}.${manifest.name}`, EXTENSION_ID));

	it('name files that are there', () => {
		const icons = [
			manifest.icon,
			...contributes.viewsContainers.activitybar.map(({ icon }) => icon),
			...Object.values(contributes.views).flatMap((views) => views.map(({ icon }) => icon)),
			...steps.map(({ media }) => media.image),
		];
		for (const file of icons) assert.ok(existsSync(path.join(ROOT, file)), file);
	});
});

describe('the walkthrough', () => {
	it('is the one that the command opens', () => {
		assert.deepEqual(
			contributes.walkthroughs.map(({ id }) => id),
			[WALKTHROUGH_ID],
		);
	});

	it('completes its steps by what happens', () => {
		const known: ReadonlySet<string> = new Set([...COMMAND_IDS, ACCESS_VIEW_ID]);
		for (const event of completions) {
			const [kind, what = ''] = event.split(/:(.*)/s);
			assert.ok(kind === 'onContext' || kind === 'onCommand' || kind === 'onView', event);
			if (kind !== 'onContext') assert.ok(known.has(what), event);
		}
		assert.ok(steps.every(({ completionEvents }) => completionEvents.length > 0));
	});
});

describe('the manifest', () => {
	it('runs the extension where secrets and vault are on one machine, and after the start', () => {
		assert.deepEqual(manifest.extensionKind, ['ui', 'workspace']);
		assert.deepEqual(manifest.activationEvents, ['onStartupFinished']);
	});

	it('says that it works in Restricted Mode with limits, and in virtual workspaces', () => {
		assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
		assert.equal(manifest.capabilities.virtualWorkspaces.supported, true);
	});

	it('compiles against the oldest VS Code that it says it supports', () => {
		assert.equal(manifest.engines.vscode, `^${manifest.devDependencies['@types/vscode']}`);
	});
});

describe('the texts of the code', () => {
	it('are all in the bundle that translators start from (node scripts/l10n.ts writes it)', () => {
		assert.equal(readFileSync(BUNDLE_PATH, 'utf8'), bundleText());
	});

	it('are only in the views', () => {
		const core = globSync(['src/auth/**/*.ts', 'src/extension.ts'], { cwd: ROOT });
		const speaking = core.filter((file) =>
			/\bl10n\b|\bshow(Information|Warning|Error)Message\b|\bshow(QuickPick|InputBox)\b/.test(
				readFileSync(path.join(ROOT, file), 'utf8'),
			),
		);
		assert.deepEqual(speaking, []);
	});
});
