/** The judge of chaos runs: each rule finds its violation, and each excuse covers what it names and no more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestRecord } from '../../server/oracle.ts';
import { people } from '../../server/people.ts';
import { check } from '../../soak/checker.ts';
import type { Deed, History, Mishap } from '../../soak/history.ts';
import type { Order, Result } from '../../soak/orders.ts';

const ADA = people.ada.sub;

let nextId = 1;

function sending(atMs: number, window: string, sent: string, more: Partial<RequestRecord> = {}): RequestRecord {
	return {
		id: nextId++,
		...{ kind: 'refresh', path: '/token', person: 'ada', grantId: 'g1', atMs, doneAtMs: atMs + 50, processed: true },
		...{ status: 200, delivered: true, refreshTokenDigest: sent },
		issuedAccessTokenDigest: `at-of-${sent}-${nextId}`,
		issuedRefreshTokenDigest: `rt-of-${sent}-${nextId}`,
		requestHeaders: { 'x-window': window },
		...more,
	};
}

function deed(window: string, order: Order, fromMs: number, result?: Result): Deed {
	return { window, order, fromMs, ...(result && { end: { atMs: fromMs + 100, result } }) };
}

const mishap = (kind: Mishap['kind'], fromMs: number, more: Partial<Mishap> = {}): Mishap => ({
	kind,
	fromMs,
	toMs: fromMs + 10,
	...more,
});

function rules(history: Partial<History>): string[] {
	const empty: History = {
		...{ deeds: [], mishaps: [], crashes: [], requests: [], grantsAlive: ['g1'], accessTokenLifeMs: 1_000 },
	};
	return check({ ...empty, ...history }).map(({ rule }) => rule);
}

const signedIn = deed('w1', { kind: 'signIn', person: 'ada' }, 0, { kind: 'signedIn', bucketId: 'b1', subject: ADA });

function final(state: string, token: Result, name = 'ada'): NonNullable<History['final']> {
	const bucket = { bucketId: 'b1', name, account: 'oauth', subject: ADA, state, generation: 1 } as const;
	return { buckets: [bucket], tokens: new Map([['b1', token]]) };
}
const served: Result = { kind: 'token', bucketId: 'b1', digest: 'at', generation: 1 };
const refused: Result = { kind: 'failed', code: 'invalid_grant' };

describe('the judge of chaos', () => {
	it('finds nothing where nothing is wrong', () => {
		assert.deepEqual(
			rules({ deeds: [signedIn], requests: [sending(0, 'w1', 'rt0')], final: final('ready', served) }),
			[],
		);
	});

	it('finds windows that end by themselves, and failures that nobody can branch on', () => {
		assert.deepEqual(rules({ crashes: ['w1'] }), ['crash']);
		assert.deepEqual(rules({ deeds: [deed('w1', { kind: 'reload' }, 0, { kind: 'failed', code: 'Error: x' })] }), [
			'untyped',
		]);
	});

	it('finds tokens of nobody, of somebody else, and of the past', () => {
		const token = (digest: string, fromMs: number) =>
			deed('w1', { kind: 'token' }, fromMs, { kind: 'token', bucketId: 'b1', digest, generation: 1 });
		const requests = [sending(0, 'w1', 'rt0', { issuedAccessTokenDigest: 'at1' })];
		assert.deepEqual(rules({ deeds: [signedIn, token('at0', 50)], requests }), ['foreign']);
		const grace = [sending(0, 'w1', 'rt0', { issuedAccessTokenDigest: 'at1', person: 'grace' })];
		assert.deepEqual(rules({ deeds: [signedIn, token('at1', 50)], requests: grace }), ['foreign']);
		assert.deepEqual(rules({ deeds: [signedIn, token('at1', 50)], requests }), []);
		assert.deepEqual(rules({ deeds: [signedIn, token('at1', 2_000)], requests }), ['ended']);
		const stop = mishap('stop', 2_050, { window: 'w1' });
		assert.deepEqual(rules({ deeds: [signedIn, token('at1', 2_000)], requests, mishaps: [stop] }), []);
	});

	it('excuses a second sending by the death of the first sender, by a lost answer, and by an old copy', () => {
		const twice = [sending(0, 'w1', 'rt0'), sending(5_000, 'w2', 'rt0')];
		assert.deepEqual(rules({ requests: twice }), ['resent']);
		const kill = (atMs: number, window = 'w1') => [mishap('kill', atMs, { window })];
		assert.deepEqual(rules({ requests: twice, mishaps: kill(60) }), []);
		assert.deepEqual(rules({ requests: twice, mishaps: kill(60, 'w3') }), ['resent']);
		assert.deepEqual(rules({ requests: twice, mishaps: kill(4_900) }), ['resent']);
		assert.deepEqual(rules({ requests: twice, mishaps: [...kill(4_900), mishap('full', 40)] }), []);
		assert.deepEqual(rules({ requests: twice, mishaps: [mishap('full', 40)] }), ['resent']);
		const lost = [sending(0, 'w1', 'rt0', { delivered: false }), sending(5_000, 'w2', 'rt0')];
		assert.deepEqual(rules({ requests: lost }), []);
		assert.deepEqual(rules({ requests: twice, mishaps: [mishap('restore', 1_000)] }), []);
		assert.deepEqual(rules({ requests: twice, mishaps: [mishap('restore', 6_000)] }), ['resent']);
	});

	it('excuses nobody who had the answer, or had given what came of it', () => {
		const restore = [mishap('restore', 1_000)];
		const same = [sending(0, 'w1', 'rt0'), sending(5_000, 'w1', 'rt0')];
		assert.deepEqual(rules({ requests: same, mishaps: restore }), ['resent']);
		const given = deed('w2', { kind: 'token' }, 100, { ...served, digest: 'at1' });
		const other = [sending(0, 'w1', 'rt0', { issuedAccessTokenDigest: 'at1' }), sending(5_000, 'w2', 'rt0')];
		assert.deepEqual(rules({ deeds: [given], requests: other, mishaps: restore }), ['resent']);
		assert.deepEqual(rules({ requests: other, mishaps: restore }), []);
	});

	it('misses accounts that were signed in, sees those that were signed out, and knows their names', () => {
		const nobody = { buckets: [], tokens: new Map() };
		const signOut = deed('w2', { kind: 'signOut', bucketId: 'b1' }, 500, { kind: 'done' });
		assert.deepEqual(rules({ deeds: [signedIn], final: nobody }), ['lostAccount']);
		assert.deepEqual(rules({ deeds: [signedIn], final: nobody, mishaps: [mishap('restore', 900)] }), []);
		assert.deepEqual(rules({ deeds: [signedIn, signOut], final: nobody }), []);
		assert.deepEqual(rules({ deeds: [signedIn, signOut], final: final('ready', served) }), ['zombie']);
		const rename = (name: string, fromMs: number) =>
			deed('w1', { kind: 'rename', bucketId: 'b1', name }, fromMs, { kind: 'done' });
		assert.deepEqual(
			rules({ deeds: [signedIn, rename('a', 1), rename('b', 300)], final: final('ready', served, 'b') }),
			[],
		);
		assert.deepEqual(
			rules({ deeds: [signedIn, rename('a', 1), rename('b', 300)], final: final('ready', served, 'a') }),
			['lostName'],
		);
		// At the same time: either may be the last.
		assert.deepEqual(
			rules({ deeds: [signedIn, rename('a', 1), rename('b', 50)], final: final('ready', served, 'a') }),
			[],
		);
	});

	it('finds a grant that lives and that nobody can renew, unless who had it died with it', () => {
		const requests = [sending(0, 'w1', 'rt0')];
		const lost = { deeds: [signedIn], requests, final: final('needsSignIn', refused) };
		assert.deepEqual(rules(lost), ['lostGrant']);
		assert.deepEqual(rules({ ...lost, grantsAlive: [] }), []);
		assert.deepEqual(rules({ ...lost, mishaps: [mishap('kill', 60, { window: 'w1' })] }), []);
		assert.deepEqual(rules({ ...lost, requests: [sending(0, 'w1', 'rt0', { delivered: false })] }), []);
		assert.deepEqual(rules({ deeds: [signedIn], final: { ...final('ready', served), problem: 'damaged' } }), [
			'notHealed',
		]);
		assert.deepEqual(rules({ deeds: [signedIn], final: final('damaged', served) }), ['notHealed']);
	});
});
