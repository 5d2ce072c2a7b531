import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditEntry } from '../../../src/auth/terminal/audit.ts';
import type { Consent } from '../../../src/auth/terminal/consents.ts';
import {
	type AccessFacts,
	type AccessNode,
	accessNodes,
	changedNodes,
} from '../../../src/views/terminal/accessModel.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 12);
const MINUTE_MS = 60_000;

const GRANT: Consent = {
	...{ scope: 'session', id: 'g1', decision: 'allow', providerId: 'acme' },
	consumer: { kind: 'terminal', pid: 7, startTime: undefined, name: 'zsh' },
	grantedAtMs: NOW_MS - 5 * MINUTE_MS,
	lastUsedAtMs: NOW_MS - 2 * MINUTE_MS,
};
const STORED: Consent = {
	...{ scope: 'workspace', id: 's1', decision: 'never', providerId: 'gone', side: 'outside', workspaceName: 'shop' },
	decidedAtMs: NOW_MS - MINUTE_MS,
};
const USE: AuditEntry = {
	...{
		atMs: NOW_MS - 9 * MINUTE_MS,
		lastAtMs: NOW_MS - 3 * MINUTE_MS,
		count: 4,
		consumer: 'terminal',
		terminal: 'zsh',
	},
	...{ terminalPid: 7, program: 'curl', providerId: 'acme', use: 'token', outcome: 'given' },
};

function nodes(facts: Partial<AccessFacts>): readonly AccessNode[] {
	const labelOf = (id: string): string => (id === 'acme' ? 'Acme' : id);
	return accessNodes({ consents: [], tools: [], uses: [], labelOf, ...facts }, plainLocalizer, NOW_MS);
}

const only = (facts: Partial<AccessFacts>): AccessNode =>
	nodes(facts)[0]?.children[0] ?? assert.fail('nothing is listed');

describe('the access view', () => {
	it('is empty, for its welcome to show, while nobody has or had access', () => assert.deepEqual(nodes({}), []));

	it('lists decisions, tools and uses, each group only if there is something in it', () => {
		const tool = {
			id: 't1',
			label: 'Claude Code',
			name: '',
			provider: 'acme',
			file: '/home/ada/.claude/settings.json',
		};
		const groups = nodes({ consents: [GRANT, STORED], tools: [tool], uses: [USE] });
		assert.deepEqual(
			groups.map(({ id, description }) => [id, description]),
			[
				['decisions', '2'],
				['tools', '1'],
				['uses', '1'],
			],
		);
		assert.deepEqual(
			nodes({ uses: [USE] }).map(({ id }) => id),
			['uses'],
		);
	});

	it('says who, for which service, what was decided and how long that counts', () => {
		const node = only({ consents: [GRANT] });
		assert.deepEqual([node.label, node.description, node.consentId], ['zsh', 'Acme · allowed', 'g1']);
		assert.equal(node.contextValue, 'decision+allowed+session');
		assert.deepEqual(node.tooltip.slice(1), [
			'allowed, decided 5 min ago',
			'Counts until the terminal is closed.',
			'Last used: 2 min ago',
		]);
	});

	it('tells a refusal from a permission by word and icon, and names services that are gone by their id', () => {
		const refused = only({ consents: [STORED] });
		assert.equal(refused.description, 'gone · refused');
		assert.notEqual(refused.icon, only({ consents: [GRANT] }).icon);
		assert.match(refused.tooltip.join('\n'), /until you take it back/);
	});

	it('says who got what, how often and when', () => {
		const node = only({ uses: [USE] });
		assert.deepEqual([node.label, node.description], ['curl', 'Acme · got a token · 4 times · 3 min ago']);
		assert.match(node.tooltip.join('\n'), /By the terminal "zsh"/);
		assert.equal(node.accessibilityLabel, 'curl, Acme, got a token, 4 times, 3 min ago');
	});

	it('keeps ids over time, so that a selection survives', () => {
		const later = { ...USE, lastAtMs: NOW_MS, count: 5 };
		assert.equal(only({ uses: [USE] }).id, only({ uses: [later] }).id);
	});

	it('takes names as text only', () => {
		const consumer = { kind: 'terminal', pid: 7, startTime: undefined, name: 'a\nb\u202e' } as const;
		assert.doesNotMatch(only({ consents: [{ ...GRANT, consumer }] }).label, /[\n\u202e]/);
	});
});

describe('what the access view draws anew', () => {
	const ids = (before: Partial<AccessFacts>, after: Partial<AccessFacts>): string[] | undefined =>
		changedNodes(nodes(before), nodes(after))?.map(({ id }) => id);
	const SECOND: Consent = { ...GRANT, id: 'g2' };
	const USED_LATER: AuditEntry = { ...USE, lastAtMs: NOW_MS, count: 5 };

	it('is nothing where nothing changed', () =>
		assert.deepEqual(ids({ consents: [GRANT], uses: [USE] }, { consents: [GRANT], uses: [USE] }), []));

	it('is one line, so that the buttons of the others go on working', () => {
		assert.deepEqual(ids({ consents: [GRANT], uses: [USE] }, { consents: [GRANT], uses: [USED_LATER] }), [
			nodes({ uses: [USE] })[0]?.children[0]?.id,
		]);
		assert.deepEqual(ids({ consents: [GRANT, STORED] }, { consents: [GRANT, { ...STORED, decision: 'allow' }] }), [
			'decision/s1',
		]);
	});

	it('is a group that got, lost or moved a line, and not the other groups', () => {
		assert.deepEqual(ids({ consents: [GRANT], uses: [USE] }, { consents: [GRANT, SECOND], uses: [USE] }), [
			'decisions',
		]);
		assert.deepEqual(ids({ consents: [GRANT, SECOND] }, { consents: [SECOND] }), ['decisions']);
		assert.deepEqual(ids({ consents: [GRANT, SECOND] }, { consents: [SECOND, GRANT] }), ['decisions']);
	});

	it('is everything where a group came or went', () => {
		assert.equal(ids({ consents: [GRANT] }, { consents: [GRANT], uses: [USE] }), undefined);
		assert.equal(ids({ consents: [GRANT], uses: [USE] }, { uses: [USE] }), undefined);
	});
});
