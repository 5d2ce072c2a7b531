/** The clauses of package.json against the facts that the view gives: what a person finds on which node. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import * as v from 'valibot';
import type { BucketSnapshot, Snapshot } from '../../../src/auth/snapshot.ts';
import { accountsNodes } from '../../../src/views/accounts/accountsModel.ts';
import { COMMANDS_FOR_SEVERAL } from '../../../src/views/ids.ts';
import { ACME, bucketOf, KEYS, snapshotOf, withoutToken } from '../../support/fakeAuthService.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW = Date.now();
const manifest = v.parse(
	v.object({
		contributes: v.object({
			menus: v.object({
				'view/item/context': v.array(v.object({ command: v.string(), when: v.string(), group: v.string() })),
			}),
		}),
	}),
	JSON.parse(readFileSync(path.join(import.meta.dirname, '..', '..', '..', 'package.json'), 'utf8')),
);
const items = manifest.contributes.menus['view/item/context'].map(({ command, when, group }) => {
	const [, pattern] = /viewItem =~ \/(.*)\/$/.exec(when) ?? [];
	assert.ok(pattern, when);
	return {
		command: command.replace('agentAuth.', ''),
		isInline: group.startsWith('inline'),
		regex: new RegExp(pattern),
	};
});

function offered(contextValue: string, isInline = false): string[] {
	return items
		.filter((item) => item.isInline === isInline && item.regex.test(contextValue))
		.map(({ command }) => command);
}

function onBucket(
	bucket: BucketSnapshot,
	options: Parameters<typeof snapshotOf>[1] = {},
	others = [bucketOf('other')],
) {
	const [provider] = accountsNodes(snapshotOf([...others, bucket], options), plainLocalizer, NOW);
	const node = provider?.children.at(-1);
	assert.ok(node);
	return { menu: offered(node.contextValue), inline: offered(node.contextValue, true) };
}

function onProvider(snapshot: Snapshot): { menu: string[]; inline: string[] } {
	const [node] = accountsNodes(snapshot, plainLocalizer, NOW);
	assert.ok(node);
	return { menu: offered(node.contextValue), inline: offered(node.contextValue, true) };
}

describe('the menus while several are selected', () => {
	it('offer only commands that take several', () => {
		for (const { command, when, group } of manifest.contributes.menus['view/item/context']) {
			const takesSeveral = COMMANDS_FOR_SEVERAL.some((id) => id === command);
			// A button in a line belongs to that line, and VS Code asks for it only when it draws the line.
			const wantsOne = !takesSeveral && !group.startsWith('inline');
			assert.equal(when.includes('!listMultiSelection'), wantsOne, `${command} in ${group}`);
		}
	});

	it('offer every command that takes several', () => {
		for (const id of COMMANDS_FOR_SEVERAL)
			assert.ok(
				items.some(({ command, isInline }) => !isInline && `agentAuth.${command}` === id),
				id,
			);
	});
});

describe('the menu of an account', () => {
	it('lets it be renamed, described, taken out, switched off, tied and removed, in every state', () => {
		const states = ['ready', 'damaged', 'keyMissing', 'storageFailed', 'signedOut', 'newerSchema'] as const;
		for (const kind of states) {
			const { menu } = onBucket(kind === 'ready' ? bucketOf('a') : withoutToken('a', { kind }));
			const wanted = [
				'renameBucket',
				'describeBucket',
				'excludeFromAutomatic',
				'disableBucket',
				'bindWorkspace',
				'signOut',
			];
			for (const command of wanted) assert.ok(menu.includes(command), `${kind}: ${command}`);
		}
	});

	it('offers the opposite of what is, never both', () => {
		const pairs = [
			['disableBucket', 'enableBucket', bucketOf('a'), bucketOf('a', { disabled: true })],
			['excludeFromAutomatic', 'includeInAutomatic', bucketOf('a'), bucketOf('a', { automatic: false })],
		] as const;
		for (const [one, other, before, after] of pairs) {
			assert.deepEqual(
				[one, other].filter((command) => onBucket(before).menu.includes(command)),
				[one],
			);
			assert.deepEqual(
				[one, other].filter((command) => onBucket(after).menu.includes(command)),
				[other],
			);
		}
		const bound = onBucket(bucketOf('a', { name: 'work' }), { binding: { kind: 'bound', bucketName: 'work' } }).menu;
		assert.deepEqual(
			bound.filter((command) => command.endsWith('Workspace')),
			['unbindWorkspace'],
		);
	});

	it('moves it only where there is a place', () => {
		const moves = ({ menu }: { menu: string[] }): string[] => menu.filter((command) => command.startsWith('move'));
		assert.deepEqual(moves(onBucket(bucketOf('a'))), ['moveUp']);
		assert.deepEqual(moves(onBucket(bucketOf('a'), {}, [])), []);
		const [provider] = accountsNodes(snapshotOf([bucketOf('a'), bucketOf('b')]), plainLocalizer, NOW);
		assert.deepEqual(moves({ menu: offered(provider?.children[0]?.contextValue ?? '') }), ['moveDown']);
	});

	it('tries it again only while it is exhausted', () => {
		const cooldown = { reason: 'quota', rule: 'r', sinceMs: NOW, untilMs: NOW + 1_000 } as const;
		assert.ok(onBucket(bucketOf('a', { cooldown })).inline.includes('endCooldown'));
		assert.ok(onBucket(bucketOf('a', { cooldown })).menu.includes('endCooldown'));
		assert.ok(!onBucket(bucketOf('a')).menu.includes('endCooldown'));
	});

	it('asks about one that is billed differently, in the first row when that is what is waited for', () => {
		const metered = bucketOf('a', { billing: 'metered' });
		assert.ok(onBucket(metered).menu.includes('decideCrossing'));
		assert.ok(!onBucket(metered).inline.includes('decideCrossing'));
		assert.ok(!onBucket(bucketOf('a')).menu.includes('decideCrossing'));
		const automatic = { kind: 'decision', fromBucketId: 'other', toBucketId: 'a', buckets: [] } as const;
		assert.ok(onBucket(metered, { automatic }).inline.includes('decideCrossing'));
	});

	it('offers no sign-in for a command', () => {
		assert.ok(onBucket(bucketOf('a')).menu.includes('signIn'));
		assert.ok(!onBucket(bucketOf('a', { kind: 'reference' })).menu.includes('signIn'));
	});
});

describe('the menu of a service', () => {
	it('adds an API key and a command to every kind, and an account where there is a sign-in', () => {
		const command = { id: 'tool', label: 'Tool', kind: 'command' } as const;
		const added = (provider: typeof ACME): string[] =>
			onProvider(snapshotOf([bucketOf('a')], { provider })).menu.filter((name) => name.startsWith('add'));
		assert.deepEqual(added(ACME).sort(), ['addAccount', 'addApiKey', 'addReference']);
		assert.deepEqual(added(KEYS).sort(), ['addApiKey', 'addReference']);
		assert.deepEqual(added(command).sort(), ['addApiKey', 'addReference']);
	});

	it('has one way to add in its first row', () => {
		const command = { id: 'tool', label: 'Tool', kind: 'command' } as const;
		const first = (provider: typeof ACME): string[] => onProvider(snapshotOf([bucketOf('a')], { provider })).inline;
		assert.deepEqual([first(ACME), first(KEYS), first(command)], [['addAccount'], ['addApiKey'], ['addReference']]);
	});
});
