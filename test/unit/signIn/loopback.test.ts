import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '../../../src/auth/clock.ts';
import { isAuthError } from '../../../src/auth/errors.ts';
import type { LoopbackListener } from '../../../src/auth/signIn/loopback.ts';
import { ANSWER_DEADLINE_MS, listenForRedirect } from '../../../src/auth/signIn/loopback.ts';
import type { RedirectRefusal } from '../../../src/auth/signIn/redirectAnswer.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { createRecordingLog } from '../../support/recordingLog.ts';

const provider = { id: 'demo', label: 'Demo' };
const done = { kind: 'signedIn', service: 'Demo', account: 'ada' } as const;

const open = new Set<LoopbackListener>();

async function listen(redirectPort?: number, clock = systemClock, redirectPath?: string): Promise<LoopbackListener> {
	const client = { ...(redirectPort !== undefined && { redirectPort }), ...(redirectPath && { redirectPath }) };
	const listener = await listenForRedirect({ provider, client, clock, log: createRecordingLog() });
	open.add(listener);
	return listener;
}

// A listener that a failed assertion left behind would keep the process, and so the failure, waiting.
afterEach(async () => {
	const left = [...open];
	open.clear();
	await Promise.all(left.map((listener) => listener.finish(done)));
});

/** A raw request; resolves to everything that came until the connection ended. */
async function raw(uri: string, text: string): Promise<string> {
	const socket = connect(Number(new URL(uri).port), '127.0.0.1');
	const chunks: Buffer[] = [];
	socket.on('data', (chunk) => chunks.push(chunk));
	socket.on('error', () => socket.destroy());
	socket.write(text);
	await once(socket, 'close');
	return Buffer.concat(chunks).toString();
}

describe('the redirect listener', () => {
	it('is under the path that is registered at the service, and knows no other', async () => {
		const listener = await listen(undefined, systemClock, '/oauth2/acme.app');
		try {
			assert.match(listener.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/oauth2\/acme\.app$/);
			void listener.expect('s1');
			for (const path of ['/callback', '/oauth2', '/oauth2/acme.app/', '/OAUTH2/acme.app', '/oauth2/acme%2Eapp'])
				assert.equal((await fetch(new URL(`${path}?code=c&state=s1`, listener.redirectUri))).status, 400, path);
		} finally {
			await listener.finish({ kind: 'cancelled', service: provider.label });
		}
	});

	it('is at 127.0.0.1, on a port of its own, under /callback', async () => {
		const [a, b] = [await listen(), await listen()];
		assert.match(a.redirectUri, /^http:\/\/127\.0\.0\.1:\d+\/callback$/);
		assert.notEqual(a.redirectUri, b.redirectUri);
		await Promise.all([a.finish(done), b.finish(done)]);
	});

	it('keeps the browser waiting until there is a truth to tell', async () => {
		const listener = await listen();
		const arrival = listener.expect('s1');
		let settled = false;
		const page = fetch(`${listener.redirectUri}?code=c&state=s1`).finally(() => {
			settled = true;
		});
		assert.equal((await arrival).get('code'), 'c');
		assert.equal(settled, false);
		const finished = listener.finish(done);
		const response = await page;
		assert.equal(response.status, 200);
		assert.match(await response.text(), /Signed in to Demo as ada/);
		await finished;
	});

	it('tells the browser after 10 s to look at VS Code, and still ends well', async () => {
		const clock = createManualClock();
		const listener = await listen(undefined, clock);
		const arrival = listener.expect('s1');
		const page = fetch(`${listener.redirectUri}?code=c&state=s1`);
		await arrival;
		await clock.armed((delayMs) => delayMs === ANSWER_DEADLINE_MS);
		clock.advance(ANSWER_DEADLINE_MS);
		assert.match(await (await page).text(), /has not answered yet/);
		await listener.finish(done);
	});

	/** Undefined: nobody is told, because no service sends a browser there. */
	const foreign: readonly [name: string, path: string, init: RequestInit, reason: RedirectRefusal | undefined][] = [
		['another state', '/callback?code=c&state=s2', {}, 'otherAttempt'],
		['no state', '/callback?code=c', {}, 'noState'],
		['an error without state', '/callback?error=access_denied', {}, 'noState'],
		['two states', '/callback?code=c&state=s1&state=s1', {}, 'otherAttempt'],
		['an answer behind the hash sign', '/callback#code=c&state=s1', {}, 'noAnswer'],
		['a state and nothing else', '/callback?state=s1', {}, 'noAnswer'],
		['a slash more', '/callback/?code=c&state=s1', {}, 'otherPath'],
		['the root', '/?code=c&state=s1', {}, 'otherPath'],
		['an icon', '/favicon.ico?state=s1', {}, undefined],
		['a path below', '/callback/x?state=s1', {}, undefined],
		['a form', '/callback', { method: 'POST', body: 'code=c&state=s1' }, 'form'],
		['HEAD', '/callback?code=c&state=s1', { method: 'HEAD' }, undefined],
	];
	for (const [name, path, init, reason] of foreign) {
		it(`answers ${name}, says what it is, and goes on waiting`, async () => {
			const listener = await listen();
			const told: RedirectRefusal[] = [];
			const arrival = listener.expect('s1', (refusal) => told.push(refusal));
			const response = await fetch(new URL(path, listener.redirectUri), init);
			assert.equal(response.status, reason === undefined ? 404 : 400);
			if (reason !== undefined) assert.match(await response.text(), /Go back to VS Code: it says what is wrong/);
			assert.deepEqual(told, reason === undefined ? [] : [reason]);
			const page = fetch(`${listener.redirectUri}?code=c&state=s1`);
			assert.equal((await arrival).get('code'), 'c');
			await listener.finish(done);
			assert.equal((await page).status, 200);
		});
	}

	it('a foreign Host, as DNS rebinding sends it, is not taken', async () => {
		const listener = await listen();
		const told: RedirectRefusal[] = [];
		let arrived = false;
		void listener
			.expect('s1', (reason) => told.push(reason))
			.then(() => {
				arrived = true;
			});
		const { port } = new URL(listener.redirectUri);
		for (const host of ['evil.example', `localhost:${port}`, `[::1]:${port}`]) {
			const answer = await raw(
				listener.redirectUri,
				`GET /callback?code=c&state=s1 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
			);
			assert.match(answer, /^HTTP\/1\.1 400/);
		}
		assert.deepEqual(told, ['otherHost', 'otherHost', 'otherHost']);
		assert.equal(arrived, false);
		await listener.finish(done);
	});

	it('a second request of the same browser gets the same truth', async () => {
		const listener = await listen();
		const arrival = listener.expect('s1');
		const page = fetch(`${listener.redirectUri}?code=c&state=s1`);
		await arrival;
		const { host, port } = new URL(listener.redirectUri);
		const second = connect(Number(port), '127.0.0.1');
		const text: string[] = [];
		second.on('data', (chunk) => text.push(String(chunk)));
		// The interim answer tells that the request is being handled.
		second.write(`GET /callback?code=c&state=s1 HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\n\r\n`);
		await once(second, 'data');
		const closed = once(second, 'close');
		await listener.finish(done);
		await closed;
		assert.match(await (await page).text(), /Signed in/);
		assert.match(text.join(''), /Signed in/);
	});

	it('garbage and oversized requests are answered, and nothing is thrown', async () => {
		const listener = await listen();
		void listener.expect('s1');
		assert.match(await raw(listener.redirectUri, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400/);
		assert.match(
			await raw(listener.redirectUri, `GET /callback?state=${'x'.repeat(64 * 1024)} HTTP/1.1\r\nHost: x\r\n\r\n`),
			/^(HTTP\/1\.1 431|$)/,
		);
		assert.match(
			await raw(listener.redirectUri, 'GET //[ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
			/^HTTP\/1\.1 4/,
		);
		await listener.finish(done);
	});

	it('a browser that goes away while it waits does not matter', async () => {
		const listener = await listen();
		const arrival = listener.expect('s1');
		const gone = new AbortController();
		const page = fetch(`${listener.redirectUri}?code=c&state=s1`, { signal: gone.signal });
		await arrival;
		gone.abort();
		await assert.rejects(page);
		await listener.finish(done);
	});

	it('closes with an idle keep-alive connection and a half-sent request open', async () => {
		const listener = await listen(undefined, createManualClock());
		const port = Number(new URL(listener.redirectUri).port);
		const agent = new Agent({ keepAlive: true });
		const idle = httpRequest({ agent, port, host: '127.0.0.1', path: '/other' });
		idle.end();
		const [response] = await once(idle, 'response');
		response.resume();
		const half = connect(port, '127.0.0.1');
		half.on('error', () => half.destroy());
		await once(half, 'connect');
		half.write('GET /callback HTTP/1.1\r\n');
		const ahead = connect(port, '127.0.0.1');
		await once(ahead, 'connect');
		const closed = [half, ahead].map((socket) => once(socket, 'close'));
		// With a clock that stands still: nothing waits for a deadline.
		await listener.finish(done);
		await Promise.all(closed);
		agent.destroy();
		const refused = connect(port, '127.0.0.1');
		const [error] = await once(refused, 'error');
		assert.equal(error.code, 'ECONNREFUSED');
	});

	it('a taken port is a typed error that names the field, and the next try works', async () => {
		const blocker = createServer();
		await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
		const address = blocker.address();
		const port = typeof address === 'object' && address !== null ? address.port : assert.fail();
		await assert.rejects(listen(port), (error) => {
			assert.ok(isAuthError(error, 'configuration'));
			assert.equal(error.detail.field, 'demo.redirectPort');
			return true;
		});
		await new Promise((resolve) => blocker.close(resolve));
		const listener = await listen(port);
		assert.equal(listener.redirectUri, `http://127.0.0.1:${port}/callback`);
		await listener.finish(done);
		await (await listen(port)).finish(done);
	});

	it('no port at all, because the system is out of descriptors, is to be tried again', {
		skip: process.platform === 'win32' && 'ulimit',
	}, async () => {
		const file = pathToFileURL(path.join(import.meta.dirname, '../../../src/auth/signIn/loopback.ts')).href;
		// Loaded before the descriptors are used up; the answer goes where one is open already.
		const script = `
			const { listenForRedirect } = await import(${JSON.stringify(file)});
			const { closeSync, openSync } = await import('node:fs');
			const log = { error() {}, warn() {}, info() {}, debug() {} };
			const provider = { id: 'demo', label: 'Demo' };
			const taken = [];
			try { for (;;) taken.push(openSync('/dev/null', 'r')); } catch {}
			const clock = { now: Date.now, monotonic: Date.now, schedule: () => ({ dispose() {} }) };
			const error = await listenForRedirect({ provider, client: {}, clock, log }).catch((error) => error);
			taken.forEach(closeSync);
			console.log(error.code, error.detail.field ?? 'no field');
		`;
		const { stdout } = await promisify(execFile)('/bin/sh', [
			'-c',
			'ulimit -n 60; exec "$@"',
			'sh',
			process.execPath,
			'--input-type=module',
			'-e',
			script,
		]);
		assert.equal(stdout, 'transient no field\n');
	});

	it('finishing twice is harmless, and the first page holds', async () => {
		const listener = await listen();
		const arrival = listener.expect('s1');
		const page = fetch(`${listener.redirectUri}?code=c&state=s1`);
		await arrival;
		await Promise.all([listener.finish({ kind: 'denied', service: 'Demo' }), listener.finish(done)]);
		assert.match(await (await page).text(), /did not allow/);
	});
});
