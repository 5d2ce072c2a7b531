import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/auth/clock.ts';
import { createAccess } from '../../../src/auth/terminal/access.ts';
import type { TerminalRequest, TokenTerminalRequest } from '../../../src/auth/terminal/protocol.ts';
import { handleRequest, type TerminalSignIn } from '../../../src/auth/terminal/requestHandler.ts';
import { collectingLogger, fakeService } from '../../support/terminalFakes.ts';

function window(t: TestContext, signIn?: TerminalSignIn) {
	const service = fakeService('canary');
	const log = collectingLogger();
	const world = { asked: 0, trusted: true, allow: true };
	const access = createAccess({
		ask: () => {
			world.asked++;
			return Promise.resolve(world.allow);
		},
		terminals: () => Promise.resolve([]),
		processStartTime: () => Promise.resolve(undefined),
		isTrusted: () => world.trusted,
		clock: systemClock,
		log,
	});
	t.after(() => access.dispose());
	const steps: string[] = [];
	const options = { service, access, isTrusted: () => world.trusted, clock: systemClock, log };
	const send = (request: TerminalRequest, signal = new AbortController().signal) =>
		handleRequest(signIn === undefined ? options : { ...options, signIn }, request, {
			signal,
			progress: (step) => steps.push(step),
		});
	return { service, log, world, steps, send };
}

const tokenOf = (provider: string, change: Partial<TokenTerminalRequest> = {}): TokenTerminalRequest => ({
	kind: 'token',
	provider,
	ancestors: [1],
	cwd: '/',
	...change,
});

test('a granted request gets the token of the bucket in force, with its end', async (t) => {
	const { service, steps, send } = window(t);
	const reply = await send(tokenOf('acme', { minTtlS: 300 }));
	assert.deepEqual(reply, { kind: 'token', accessToken: 'canary-b1', expiresAtMs: 1_900_000_000_000 });
	assert.deepEqual(steps, ['asking']);
	assert.equal(service.requests[0]?.minTtlMs, 300_000);
	assert.equal(service.requests[0]?.bucketId, undefined);
	assert.equal(service.requests[0]?.purpose, 'terminal');
});

test('a bucket is found by id and by name; a name that none or several have is an error before any question', async (t) => {
	const { service, world, send } = window(t);
	await send(tokenOf('acme', { bucket: 'home' }));
	await send(tokenOf('acme', { bucket: 'b2' }));
	assert.deepEqual(
		service.requests.map(({ bucketId }) => bucketId),
		['b2', 'b2'],
	);
	world.asked = 0;
	assert.deepEqual(await send(tokenOf('acme', { bucket: 'x' })), { kind: 'error', code: 'unknown_bucket' });
	assert.deepEqual(await send(tokenOf('twins', { bucket: 'same' })), { kind: 'error', code: 'ambiguous_bucket' });
	assert.equal(world.asked, 0);
});

test('where there is nothing to give, the person is not asked', async (t) => {
	const { world, send } = window(t);
	await assert.rejects(send(tokenOf('nobody')), { code: 'unknown_provider' });
	await assert.rejects(send(tokenOf('empty')), { code: 'no_account' });
	assert.equal(world.asked, 0);
});

test('without consent no token is even fetched', async (t) => {
	const { service, world, send } = window(t);
	world.allow = false;
	await assert.rejects(send(tokenOf('acme')), { code: 'refused' });
	world.trusted = false;
	await assert.rejects(send(tokenOf('acme')), { code: 'untrusted' });
	await assert.rejects(send({ kind: 'providers' }), { code: 'untrusted' });
	assert.equal(service.requests.length, 0);
});

test('a helper that has gone already causes no question', async (t) => {
	const { world, send } = window(t);
	await assert.rejects(send(tokenOf('acme'), AbortSignal.abort()), { code: 'cancelled' });
	assert.equal(world.asked, 0);
});

test('a sign-in happens only if it was asked for, is needed and was allowed', async (t) => {
	const signIns: string[] = [];
	const { steps, send } = window(t, (provider, bucket) => {
		signIns.push(`${provider} ${bucket}`);
		return Promise.resolve();
	});
	await assert.rejects(send(tokenOf('dead')), { code: 'invalid_grant' });
	await send(tokenOf('acme', { signIn: true }));
	assert.deepEqual(signIns, []);
	await assert.rejects(send(tokenOf('empty', { signIn: true })), { code: 'no_account' });
	await assert.rejects(send(tokenOf('dead', { signIn: true, bucket: 'old' })), { code: 'invalid_grant' });
	assert.deepEqual(signIns, ['empty undefined', 'dead b3']);
	assert.deepEqual(steps, ['asking', 'asking', 'asking', 'signingIn', 'signingIn']);
});

test('providers are listed with their state and without accounts', async (t) => {
	const { send } = window(t);
	assert.deepEqual(await send({ kind: 'providers' }), {
		kind: 'providers',
		providers: [
			{ id: 'acme', label: 'The acme', state: 'signedIn' },
			{ id: 'empty', label: 'The empty', state: 'signedOut' },
			{ id: 'dead', label: 'The dead', state: 'needsSignIn' },
			{ id: 'twins', label: 'The twins', state: 'signedIn' },
		],
	});
});

test('the log names who got what and never the token', async (t) => {
	const { log, send } = window(t);
	await send(tokenOf('acme'));
	assert.match(log.lines.join('\n'), /token [0-9a-f]{8} of acme to outside/);
	assert.doesNotMatch(log.lines.join('\n'), /canary/);
});
