/** The advice for every kind of answer and every state of the other buckets, and what a report notes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { removeBucket } from '../../../src/auth/buckets/accounts.ts';
import type { BindingSetting } from '../../../src/auth/buckets/binding.ts';
import { endCooldown } from '../../../src/auth/buckets/cooldowns.ts';
import type { Credential } from '../../../src/auth/credential.ts';
import { createDeferred } from '../../support/deferred.ts';
import { HOUR_LIMIT, identity, refused, reportWorld as world } from '../../support/reportWorld.ts';

const MINUTE_MS = 60_000;

describe('a report', () => {
	it('about a token that was never handed out, or of another service, is ignored', async () => {
		const { report, issued, log } = await world();
		issued.note('elsewhere', { providerId: 'other', bucketId: 'one' });
		for (const value of ['never', 'elsewhere'])
			assert.deepEqual(await report(value, refused), { kind: 'ignored' }, value);
		assert.deepEqual(log.lines, []);
	});

	it('about an account or a service that is gone asks for a sign-in', async () => {
		const { report, issued } = await world();
		issued.note('old', { providerId: 'demo', bucketId: 'gone' });
		issued.note('older', { providerId: 'gone', bucketId: 'one' });
		assert.deepEqual(await report('old', refused), { kind: 'signIn' });
		assert.deepEqual(await report('older', refused, { providerId: 'gone' }), { kind: 'signIn' });
	});

	it('announces a token that was handed out before it was announced, and nothing that is known', async () => {
		const { report, shelves, open, clock } = await world();
		const told: number[] = [];
		shelves.onDidChange(({ providers }) => void told.push(providers[0]?.buckets[0]?.generation ?? 0));
		await report('token of one', { status: 200 });
		assert.deepEqual(told, []);
		const newer: Credential = {
			...{ kind: 'oauth', accessToken: 'newer', scopes: [], obtainedAtMs: clock.now(), identity },
		};
		shelves.remember(open, 'one', { kind: 'credential', generation: 2, credential: newer });
		await report('token of one', { status: 200 });
		assert.deepEqual(told, [2]);
	});

	it('is logged with what it was taken for, and by which rule', async () => {
		const { report, log } = await world();
		await report('token of one', { status: 403, body: '{"error":{"code":"insufficient_scope"}}' });
		assert.deepEqual(log.lines, ['info report: demo, bucket one: status 403 is denied by rule scope-code']);
	});

	it('that the service is busy, or its limit near its end, is answered with the time to wait, and changes nothing', async () => {
		const { report, clock, writes } = await world({ buckets: { one: {}, two: {} } });
		const before = await writes();
		const atMs = clock.now();
		const limited = { body: '{"error":{"code":"rate_limit_exceeded"}}' };
		assert.deepEqual(await report('token of one', { status: 503 }), {
			...{ kind: 'wait', untilMs: atMs + 10_000, reason: 'service' },
		});
		assert.deepEqual(await report('token of one', limited), {
			...{ kind: 'wait', untilMs: atMs + 30_000, reason: 'limit' },
		});
		assert.equal(await writes(), before);
	});

	it('that a right is missing is no reason to try another account', async () => {
		const { report } = await world({ buckets: { one: {}, two: {} } });
		assert.deepEqual(await report('token of one', { status: 403, body: '{"error":{"code":"insufficient_scope"}}' }), {
			...{ kind: 'giveUp', code: 'denied', reason: 'scope' },
		});
	});

	it('that it worked writes nothing where there is nothing to forget', async () => {
		const { report, writes } = await world();
		const before = await writes();
		assert.deepEqual(await report('token of one', { status: 200 }), { kind: 'ignored' });
		assert.equal(await writes(), before);
	});
});

describe('that a token worked', () => {
	const over = { reason: 'quota', rule: 'r', sinceMs: 1, times: 1 } as const;

	it('ends a cooldown at its end, and none before or without one', async () => {
		for (const [leftMs, isOver] of [
			[0, true],
			[1, false],
			[undefined, false],
		] as const) {
			const { report, change, clock, stored } = await world();
			const untilMs = leftMs === undefined ? {} : { untilMs: clock.now() + leftMs };
			await change('one', (bucket) => ({ ...bucket, cooldown: { ...over, ...untilMs } }));
			await report('token of one', { status: 200 });
			assert.equal((await stored('one')).cooldown === undefined, isOver, String(leftMs));
		}
	});

	it('takes back the refusal of an earlier token, and none of this one', async () => {
		for (const [generation, isOver] of [
			[0, true],
			[1, false],
		] as const) {
			const { report, change, clock, stored, writes } = await world();
			const note = { generation, status: 401, atMs: clock.now() };
			await change('one', (bucket) => ({ ...bucket, refused: note }));
			const before = await writes();
			await report('token of one', { status: 200 });
			assert.deepEqual((await stored('one')).refused, isOver ? undefined : note);
			assert.equal(await writes(), isOver ? before + 1 : before);
			// And with the cooldown that is over goes no refusal that holds.
			await change('one', (bucket) => ({ ...bucket, refused: note, cooldown: { ...over, untilMs: 2 } }));
			await report('token of one', { status: 200 });
			const { refused: left, cooldown } = await stored('one');
			assert.deepEqual([left, cooldown], [isOver ? undefined : note, undefined]);
		}
	});
});

describe('where an account is exhausted', () => {
	it('the next one answers, at once', async () => {
		const { report, clock, stored } = await world({ buckets: { one: {}, two: {} } });
		assert.deepEqual(await report('token of one', HOUR_LIMIT), { kind: 'retryWithNewToken' });
		const { cooldown } = await stored('one');
		assert.ok(cooldown?.reason === 'quota' && cooldown.untilMs !== undefined);
		assert.ok(cooldown.untilMs >= clock.now() + 60 * MINUTE_MS);
	});

	it('who named it waits until its end, and so does everybody where it is the last', async () => {
		for (const named of [true, false]) {
			const { report, stored } = await world({ buckets: named ? { one: {}, two: {} } : { one: {} } });
			const advice = await report('token of one', HOUR_LIMIT, { named });
			const { cooldown } = await stored('one');
			assert.deepEqual(advice, {
				...{ kind: 'wait', reason: named ? 'limit' : 'exhausted', untilMs: cooldown?.untilMs },
			});
		}
	});

	it('the person decides if the next one is another’s', async () => {
		const { report, stored } = await world({ buckets: { one: { owner: 'work' }, two: { owner: 'personal' } } });
		const advice = await report('token of one', HOUR_LIMIT);
		assert.deepEqual(advice, { kind: 'wait', reason: 'decision', untilMs: (await stored('one')).cooldown?.untilMs });
	});

	it('the wait has no end that only a payment or a new right brings', async () => {
		for (const [code, reason] of [
			['insufficient_credits', 'credit'],
			['subscription_expired', 'entitlement'],
		] as const) {
			const { report, stored } = await world();
			const advice = await report('token of one', { status: 403, body: JSON.stringify({ error: { code } }) });
			const { cooldown } = await stored('one');
			assert.ok(cooldown?.reason === reason && !('untilMs' in cooldown));
			assert.deepEqual(advice, { kind: 'wait', reason: 'exhausted' });
		}
	});

	it('it is said to whom nothing else can be given: tied elsewhere, without members, or without a sign-in', async () => {
		const bound = (bucketName: string): BindingSetting => ({
			kind: 'bound',
			binding: { providerId: 'demo', bucketName, workspace: '', fromWorkspace: false },
		});
		const binding = 'binding' as const;
		const missing = await world({ binding: bound('absent') });
		assert.deepEqual(await missing.report('token of one', HOUR_LIMIT), {
			...{ kind: 'giveUp', code: binding, reason: 'boundMissing' },
		});
		const unusable = await world({ buckets: { one: {}, two: { disabled: true } }, binding: bound('two') });
		assert.deepEqual(await unusable.report('token of one', HOUR_LIMIT), {
			...{ kind: 'giveUp', code: binding, reason: 'boundUnusable' },
		});
		const alone = await world({ buckets: { one: { automatic: false } } });
		const untilMs = async (): Promise<number | undefined> => (await alone.stored('one')).cooldown?.untilMs;
		const advice = await alone.report('token of one', HOUR_LIMIT);
		assert.deepEqual(advice, { kind: 'wait', reason: 'limit', untilMs: await untilMs() });
		const lost = { needsSignIn: { generation: 1, reason: 'invalid_grant' as const } };
		const others = await world({ buckets: { one: { automatic: false }, two: lost } });
		assert.deepEqual(await others.report('token of one', HOUR_LIMIT), { kind: 'signIn' });
	});

	it('and another window has just removed it, nothing is noted', async () => {
		const { report, shelf, shelves, open } = await world({ buckets: { one: {}, two: {} } });
		await shelf.state.update((state) => removeBucket(state, 'demo', 'one'));
		const held = createDeferred<void>();
		const reading = createDeferred<void>();
		const { read } = shelf.vault;
		Object.assign(shelf.vault, {
			async read(...asked: Parameters<typeof read>) {
				reading.resolve();
				await held.promise;
				return read(...asked);
			},
		});
		// The state is read, and not announced yet.
		const looked = shelves.readAll(open);
		await reading.promise;
		assert.notEqual(shelves.bucket('demo', 'one'), undefined);
		assert.deepEqual(await report('token of one', HOUR_LIMIT), { kind: 'wait', reason: 'limit' });
		held.resolve();
		await looked;
		assert.deepEqual(await report('token of one', HOUR_LIMIT), { kind: 'signIn' });
	});

	it('requests that do not say which they are have nothing to do with each other', async () => {
		const { report, change } = await world({ buckets: { one: {}, two: {} } });
		assert.deepEqual(await report('token of two', HOUR_LIMIT), { kind: 'retryWithNewToken' });
		await change('two', endCooldown);
		assert.deepEqual(await report('token of one', HOUR_LIMIT), { kind: 'retryWithNewToken' });
	});

	it('no account is offered twice for one request, as long as that is remembered', async () => {
		for (const [between, isKnown] of [
			[499, true],
			[500, false],
		] as const) {
			const { report, change } = await world({ buckets: { one: {}, two: {} } });
			const asRequest = (requestKey: string) => report('token of two', HOUR_LIMIT, { requestKey });
			assert.deepEqual(await asRequest('first'), { kind: 'retryWithNewToken' });
			for (let count = 0; count < between; count++) await asRequest(`other ${count}`);
			await change('two', endCooldown);
			const advice = await report('token of one', HOUR_LIMIT, { requestKey: 'first' });
			assert.equal(advice.kind, isKnown ? 'wait' : 'retryWithNewToken', String(between));
			if (advice.kind === 'wait') assert.equal(advice.reason, 'exhausted');
		}
	});
});
