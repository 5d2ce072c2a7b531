/** Several buckets of one service over real files: which one answers, and what a report changes in every window. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { FailureReport } from '../../../src/auth/failover/report.ts';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import type { ServiceOptions } from '../../../src/auth/service/createService.ts';
import type { Advice, UseReport } from '../../../src/auth/service.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createSharedKeys, openWindow, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const KEYS: Provider = {
	id: 'keys',
	label: 'Model Keys',
	kind: 'apiKey',
	commands: {
		printer: {
			command: process.execPath,
			args: ['-p', '"printed-" + process.pid'],
			cacheMs: 60_000,
			timeoutMs: 10_000,
		},
	},
};

describe('several buckets', () => {
	const windows: Window[] = [];
	const cleanUps: (() => Promise<void>)[] = [];
	const context = { after: (work: () => Promise<void>) => void cleanUps.push(work) };
	afterEach(async () => {
		for (const window of windows.splice(0)) window.service.dispose();
		for (const cleanUp of cleanUps.splice(0)) await cleanUp();
	});

	async function world(names: readonly string[], count = 1, overrides: Partial<ServiceOptions> = {}) {
		const folder = await tempFolder(context);
		const keys = createSharedKeys();
		const opened = Array.from({ length: count }, () => openWindow(folder, keys, [KEYS], overrides));
		windows.push(...opened);
		const [first] = opened;
		assert.ok(first);
		for (const name of names) await first.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
		for (const window of opened)
			await until('every window knows the buckets', () => provider(window)?.buckets.length === names.length);
		return { first, all: opened };
	}

	const provider = (window: Window) => window.service.snapshot().providers[0];
	const bucketId = (window: Window, name: string): string => {
		const found = provider(window)?.buckets.find((bucket) => bucket.name === name);
		assert.ok(found, name);
		return found.id;
	};
	const token = async (window: Window, more: object = {}): Promise<string> =>
		(await window.service.getToken({ providerId: 'keys', deadlineMs: 5_000, purpose: 'test', ...more })).token.value;
	const report = (window: Window, value: string, got: Partial<FailureReport>, more: Partial<UseReport> = {}) =>
		window.service.report({
			providerId: 'keys',
			tokenDigest: digest(value),
			report: { status: 429, headers: {}, ...got },
			deadlineMs: 5_000,
			...more,
		});
	const quota = (seconds: number): Partial<FailureReport> => ({
		status: 429,
		headers: { 'retry-after': String(seconds) },
		body: JSON.stringify({ error: { type: 'rate_limit_exceeded', code: 'rate_limit_exceeded', message: 'limit' } }),
	});

	it('moves on when one is exhausted, in every window, and says when it is back', async () => {
		const { first, all } = await world(['one', 'two'], 2);
		assert.equal(await token(first), 'key-one');
		assert.deepEqual(await report(first, 'key-one', { headers: { 'retry-after': '7200' } }), {
			kind: 'retryWithNewToken',
		} satisfies Advice);
		for (const window of all) {
			await until('the window has moved on', () => provider(window)?.inForce === bucketId(window, 'two'));
			assert.equal(await token(window), 'key-two');
			// Who named the account gets that one, whatever its limit.
			assert.equal(await token(window, { bucketId: bucketId(window, 'one') }), 'key-one');
		}
		const cooldown = provider(first)?.buckets[0]?.cooldown;
		assert.ok(cooldown?.untilMs !== undefined && Math.abs(cooldown.untilMs - Date.now() - 2 * HOUR) < MINUTE);
	});

	it('never moves on for a busy service, a bad request or a missing right', async () => {
		const { first } = await world(['one', 'two']);
		for (const [got, kind] of [
			[{ status: 500 }, 'wait'],
			[{ status: 503, headers: { 'retry-after': '5' } }, 'wait'],
			[{ status: 529 }, 'wait'],
			[{ status: 0 }, 'wait'],
			[{ status: 403, body: '{"message":"forbidden"}' }, 'giveUp'],
			[{ status: 400, body: '{"error":{"message":"bad"}}' }, 'giveUp'],
			[{ status: 200 }, 'ignored'],
			[{ headers: { 'retry-after': '2' } }, 'wait'],
		] as const) {
			assert.equal((await report(first, 'key-one', got)).kind, kind, JSON.stringify(got));
			assert.equal(await token(first), 'key-one', JSON.stringify(got));
		}
	});

	it('answers with one error that has a row for each when all are exhausted', async () => {
		const { first } = await world(['one', 'two']);
		assert.equal((await report(first, 'key-one', quota(7_200))).kind, 'retryWithNewToken');
		const last = await report(first, 'key-two', quota(3_600));
		assert.ok(last.kind === 'wait' && last.reason === 'exhausted' && last.untilMs !== undefined);
		await assert.rejects(token(first), (error) => {
			assert.ok(isAuthError(error, 'exhausted'));
			assert.deepEqual(
				error.detail.buckets?.map(({ name, reason }) => [name, reason]),
				[
					['one', 'cooling'],
					['two', 'cooling'],
				],
			);
			assert.equal(error.detail.retryAtMs, last.untilMs);
			return true;
		});
		await first.service.endCooldown('keys', bucketId(first, 'one'));
		assert.equal(await token(first), 'key-one');
	});

	it('offers no bucket twice for one request, and none at all to who named the account', async () => {
		const { first } = await world(['one', 'two']);
		const requestKey = 'request-1';
		assert.equal((await report(first, 'key-one', quota(7_200), { requestKey })).kind, 'retryWithNewToken');
		await first.service.endCooldown('keys', bucketId(first, 'one'));
		const again = await report(first, 'key-two', quota(7_200), { requestKey });
		assert.ok(again.kind === 'wait' && again.reason === 'exhausted');
		assert.equal((await report(first, 'key-one', quota(7_200), { named: true })).kind, 'wait');
	});

	it('asks for a new key when the only one is refused, and forgets that when it comes', async () => {
		const { first } = await world(['one']);
		assert.deepEqual(await report(first, 'key-one', { status: 401 }), { kind: 'signIn' });
		const id = bucketId(first, 'one');
		await first.service.addApiKey({ providerId: 'keys', key: 'key-new', name: 'one', bucketId: id });
		assert.equal(await token(first), 'key-new');
	});

	it('ignores what is about a token of somebody else', async () => {
		const { first } = await world(['one', 'two']);
		assert.deepEqual(await report(first, 'not ours', quota(7_200)), { kind: 'ignored' });
		assert.equal(await token(first), 'key-one');
	});

	it('keeps order, names and switches the same in every window', async () => {
		const { first, all } = await world(['one', 'two', 'three'], 2);
		const two = bucketId(first, 'two');
		await first.service.moveBucket('keys', two, 0);
		await first.service.renameBucket('keys', two, 'main');
		await first.service.describeBucket('keys', bucketId(first, 'one'), { disabled: true, owner: 'work' });
		for (const window of all) {
			await until('the window has followed', () => {
				const names = provider(window)?.buckets.map(({ name, disabled }) => (disabled ? `(${name})` : name));
				return names?.join() === 'main,(one),three';
			});
			assert.equal(await token(window), 'key-two');
			await assert.rejects(token(window, { bucketId: bucketId(window, 'one') }), (error) =>
				isAuthError(error, 'disabled'),
			);
		}
		await assert.rejects(first.service.renameBucket('keys', two, 'three'), (error) =>
			isAuthError(error, 'configuration'),
		);
		await assert.rejects(first.service.renameBucket('keys', two, '  '), (error) => isAuthError(error, 'configuration'));
		await first.service.signOut('keys', two);
		assert.equal(await token(first), 'key-three');
	});

	it('does not change who pays without a yes, and takes the yes where it was given', async () => {
		const { first } = await world(['one', 'two']);
		const [fromBucketId, toBucketId] = [bucketId(first, 'one'), bucketId(first, 'two')];
		await first.service.describeBucket('keys', fromBucketId, { owner: 'work' });
		await first.service.describeBucket('keys', toBucketId, { owner: 'personal' });
		const advice = await report(first, 'key-one', quota(7_200));
		assert.ok(advice.kind === 'wait' && advice.reason === 'decision');
		await assert.rejects(token(first), (error) => isAuthError(error, 'exhausted'));
		await first.service.decideCrossing({
			providerId: 'keys',
			fromBucketId,
			toBucketId,
			allowed: true,
			scope: 'always',
		});
		assert.equal(await token(first), 'key-two');
		await first.service.decideCrossing({
			providerId: 'keys',
			fromBucketId,
			toBucketId,
			allowed: false,
			scope: 'always',
		});
		await assert.rejects(token(first), (error) => isAuthError(error, 'exhausted'));
	});

	it('serves a window that is tied to one bucket from that one or not at all', async () => {
		const folder = await tempFolder(context);
		const keys = createSharedKeys();
		const bound = (bucketName: string, workspace: string, fromWorkspace: boolean): Partial<ServiceOptions> => ({
			workspace: () => workspace,
			bindingOf: (providerId) => ({
				kind: 'bound',
				binding: { providerId, bucketName, workspace, fromWorkspace },
			}),
		});
		const free = openWindow(folder, keys, [KEYS]);
		const tied = openWindow(folder, keys, [KEYS], bound('two', 'w1', false));
		const wanting = openWindow(folder, keys, [KEYS], bound('two', 'w2', true));
		windows.push(free, tied, wanting);
		for (const name of ['one', 'two']) await free.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
		for (const window of [free, tied, wanting])
			await until('every window knows the buckets', () => provider(window)?.buckets.length === 2);
		// A hundred requests of both windows, in turns: each gets its own.
		const values = await Promise.all(
			Array.from({ length: 100 }, async (_, index) => [index % 2, await token(index % 2 === 0 ? free : tied)] as const),
		);
		for (const [which, value] of values) assert.equal(value, which === 0 ? 'key-one' : 'key-two');
		// What the workspace's own file wants counts after a yes.
		assert.equal(await token(wanting), 'key-one');
		assert.equal(provider(wanting)?.binding?.kind, 'unconfirmed');
		await wanting.service.confirmBinding({ providerId: 'keys', bucketName: 'two', workspace: 'w2' }, true);
		assert.equal(await token(wanting), 'key-two');
		// A yes to another name takes nothing from this one.
		await wanting.service.confirmBinding({ providerId: 'keys', bucketName: 'one', workspace: 'w2' }, true);
		assert.equal(await token(wanting), 'key-two');
		await wanting.service.confirmBinding({ providerId: 'keys', bucketName: 'two', workspace: 'w2' }, false);
		assert.equal(await token(wanting), 'key-one');
		// Exhausted, switched off, gone: never another one.
		await report(free, 'key-two', quota(7_200));
		await until('the tied window knows', () => provider(tied)?.automatic.kind === 'exhausted');
		await assert.rejects(token(tied), (error) => isAuthError(error, 'exhausted'));
		await free.service.describeBucket('keys', bucketId(free, 'two'), { disabled: true });
		await until('the tied window knows', () => provider(tied)?.automatic.kind === 'boundUnusable');
		await assert.rejects(token(tied), (error) => isAuthError(error, 'binding'));
		await free.service.signOut('keys', bucketId(free, 'two'));
		await until('the tied window knows', () => provider(tied)?.automatic.kind === 'boundMissing');
		await assert.rejects(token(tied), (error) => isAuthError(error, 'binding'));
		assert.equal(await token(free), 'key-one');
	});

	it('comes back to the first by one window, stays where a session asked for it', async () => {
		const clock = createManualClock();
		const { first, all } = await world(['one', 'two'], 2, { clock });
		const [, second] = all;
		assert.ok(second);
		await report(first, 'key-one', quota(600));
		await until('both have moved on', () =>
			all.every((window) => provider(window)?.inForce === bucketId(window, 'two')),
		);
		assert.equal(await token(first, { sessionKey: 'long work' }), 'key-two');
		clock.advance(10 * MINUTE + 1_000);
		const tokens = [await token(second), await token(first), await token(first, { sessionKey: 'long work' })];
		assert.deepEqual(tokens, ['key-one', 'key-two', 'key-two']);
		// Exhausted still: the probe ends, and nobody flips back before the new end.
		assert.equal((await report(second, 'key-one', quota(300))).kind, 'retryWithNewToken');
		assert.equal(await token(second), 'key-two');
		clock.advance(5 * MINUTE + 1_000);
		assert.equal(await token(second), 'key-one');
		clock.advance(2 * MINUTE);
		await until('the probe went well, so the others follow', async () => (await token(first)) === 'key-one');
		const hold = second.service.hold('keys', 'work', HOUR);
		await report(second, 'key-one', quota(60 * 5));
		assert.equal(await token(second), 'key-two');
		clock.advance(10 * MINUTE);
		assert.equal(await token(second), 'key-two');
		hold.dispose();
		assert.equal(await token(second), 'key-one');
	});

	it('takes tokens of a command, and moves on when it is refused twice', async () => {
		const { first } = await world([]);
		await first.service.addReference({ providerId: 'keys', command: 'printer', name: 'printed' });
		await first.service.addApiKey({ providerId: 'keys', key: 'key-one', name: 'one' });
		const printed = await token(first);
		assert.match(printed, /^printed-\d+$/);
		assert.equal(await token(first), printed);
		// Refused once: it is run again, and prints another one.
		assert.equal((await report(first, printed, { status: 401 })).kind, 'retryWithNewToken');
		assert.notEqual(await token(first), printed);
		await assert.rejects(first.service.addReference({ providerId: 'keys', command: 'absent', name: 'x' }), (error) =>
			isAuthError(error, 'configuration'),
		);
	});

	it('loses no request in a day that a bucket could have served (property)', async () => {
		const day = fc.array(
			fc.record({
				bucket: fc.integer({ min: 0, max: 2 }),
				atMinute: fc.integer({ min: 0, max: 24 * 60 }),
				minutes: fc.integer({ min: 1, max: 300 }),
				how: fc.constantFrom('seconds', 'date', 'body'),
			}),
			{ minLength: 3, maxLength: 12 },
		);
		await fc.assert(
			fc.asyncProperty(day, async (limits) => {
				const clock = createManualClock(Date.UTC(2027, 0, 4));
				const { first } = await world(['b0', 'b1', 'b2'], 1, { clock });
				const startMs = clock.now();
				const limitOf = (name: string) => {
					const minute = (clock.now() - startMs) / MINUTE;
					return limits
						.filter(
							({ bucket, atMinute, minutes }) =>
								name === `key-b${bucket}` && minute >= atMinute && minute < atMinute + minutes,
						)
						.map(({ atMinute, minutes, how }) => ({ untilMs: startMs + (atMinute + minutes) * MINUTE, how }))
						.sort((left, right) => right.untilMs - left.untilMs)[0];
				};
				for (let step = 0; step < 24 * 12; step++) {
					clock.advance(5 * MINUTE);
					const requestKey = `request ${step}`;
					const visited: string[] = [];
					let served = false;
					for (let attempt = 0; attempt < 4 && !served; attempt++) {
						let value: string;
						try {
							value = await token(first);
						} catch (error) {
							assert.ok(isAuthError(error, 'exhausted'));
							break;
						}
						const limit = limitOf(value);
						if (!limit) {
							served = true;
							break;
						}
						assert.ok(!visited.includes(value), `${value} twice in one request`);
						visited.push(value);
						const advice = await report(first, value, answerWith(limit, clock.now()), { requestKey });
						// A limit that is over within the minute is waited for; that is not a lost request.
						served = advice.kind === 'wait' && (advice.untilMs ?? Number.POSITIVE_INFINITY) - clock.now() <= MINUTE;
						if (advice.kind !== 'retryWithNewToken') break;
					}
					const couldServe = ['key-b0', 'key-b1', 'key-b2'].filter((name) => !limitOf(name));
					assert.ok(served || couldServe.length === 0, `lost at step ${step}: ${couldServe.join()} could have served`);
				}
				first.service.dispose();
			}),
			{ numRuns: Number(process.env.AGENT_AUTH_DAYS ?? 4), endOnFailure: true, verbose: true },
		);
	});

	function answerWith(limit: { untilMs: number; how: string }, nowMs: number): Partial<FailureReport> {
		const seconds = Math.ceil((limit.untilMs - nowMs) / 1000);
		const error = {
			type: 'usage_limit_reached',
			message: 'The usage limit has been reached',
			resets_in_seconds: seconds,
		};
		if (limit.how === 'body') return { status: 429, body: JSON.stringify({ error }) };
		const after = limit.how === 'seconds' ? String(seconds) : new Date(limit.untilMs).toUTCString();
		return { ...quota(seconds), headers: { 'retry-after': after } };
	}
});
