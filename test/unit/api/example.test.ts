/** The documented request loop against a real server and a whole service: only the module `vscode` is another one. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { registerHooks } from 'node:module';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { digest } from '../../../src/auth/log.ts';
import type { Provider } from '../../../src/auth/provider.ts';
import { createSharedKeys, openWindow, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';
import { reports, useService } from './vscodeOfService.ts';

registerHooks({
	resolve: (specifier, context, next) =>
		next(specifier === 'vscode' ? new URL('./vscodeOfService.ts', import.meta.url).href : specifier, context),
});
const { RequestFailed, sendAuthorized } = await import('../../../api/example.ts');

const KEYS: Provider = { id: 'keys', label: 'Model Keys', kind: 'apiKey' };
const HOUR_S = 3600;

type Reply = (response: ServerResponse) => void;

const fine: Reply = (response) => response.end('done');
const limited =
	(seconds: number): Reply =>
	(response) =>
		response.writeHead(429, { 'retry-after': String(seconds) }).end('{"error":{"code":"quota_exceeded"}}');

describe('the documented request loop', () => {
	/** How the service answers each token; a list is used up one by one, its last stays. */
	const replies = new Map<string, Reply[]>();
	const seen: string[] = [];
	const cleanUps: (() => Promise<void>)[] = [];
	let window: Window;
	const server = createServer((request, response) => {
		const token = (request.headers.authorization ?? '').replace('Bearer ', '');
		seen.push(token);
		const [reply = fine, ...later] = replies.get(token) ?? [];
		if (later.length > 0) replies.set(token, later);
		reply(response);
	});

	before(async () => {
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	});

	after(() => {
		server.closeAllConnections();
		server.close();
	});

	afterEach(async () => {
		window.service.dispose();
		for (const cleanUp of cleanUps.splice(0)) await cleanUp();
	});

	async function withKeys(...names: readonly string[]): Promise<void> {
		const folder = await tempFolder({ after: (work) => void cleanUps.push(work) });
		window = openWindow(folder, createSharedKeys(), [KEYS]);
		for (const name of names) await window.service.addApiKey({ providerId: 'keys', key: `key-${name}`, name });
		useService(window.service);
		replies.clear();
		seen.length = 0;
	}

	const send = (more: Partial<Parameters<typeof sendAuthorized>[0]> = {}): Promise<Response> => {
		const { port } = server.address() as AddressInfo;
		return sendAuthorized({ provider: 'keys', scopes: [], url: `http://127.0.0.1:${port}/`, ...more });
	};

	it('moves on to the next account in the same request, and says once that this one works', async () => {
		await withKeys('one', 'two');
		replies.set('key-one', [limited(HOUR_S)]);
		assert.equal(await (await send()).text(), 'done');
		assert.deepEqual(seen, ['key-one', 'key-two']);
		await (await send()).text();
		await until('the success is told', () => reports.length === 2);
		assert.deepEqual(
			reports.map(({ status, tokenDigest }) => [status, tokenDigest]),
			[
				[429, digest('key-one')],
				[200, digest('key-two')],
			],
		);
		assert.ok(reports[0]?.requestKey !== undefined && reports[0].body?.includes('quota_exceeded'));
	});

	it('waits for a service that is back soon', async () => {
		await withKeys('one');
		replies.set('key-one', [(response) => response.writeHead(503, { 'retry-after': '1' }).end(), fine]);
		assert.equal((await send()).status, 200);
		assert.deepEqual(seen, ['key-one', 'key-one']);
	});

	it('ends with the advice where the wait is long, and the next request with the reason', async () => {
		await withKeys('one', 'two');
		for (const key of ['key-one', 'key-two']) replies.set(key, [limited(HOUR_S)]);
		await assert.rejects(send(), (error) => {
			assert.ok(error instanceof RequestFailed && error.status === 429);
			assert.ok(error.advice.kind === 'wait' && error.advice.reason === 'exhausted');
			assert.ok((error.advice.untilMs ?? 0) > Date.now());
			return true;
		});
		await assert.rejects(send(), { code: 'exhausted' });
		assert.deepEqual(seen, ['key-one', 'key-two']);
	});

	it('uses no other account than the one asked for', async () => {
		await withKeys('one', 'two');
		const id = window.service.snapshot().providers[0]?.buckets[0]?.id ?? '';
		replies.set('key-one', [limited(HOUR_S)]);
		await assert.rejects(send({ account: { id, label: 'one' } }), RequestFailed);
		assert.deepEqual(seen, ['key-one']);
	});

	it('reads the beginning of a failure that does not end', async () => {
		await withKeys('one');
		let hasGone = false;
		replies.set('key-one', [
			(response) => {
				response.writeHead(403);
				const more = (): void => {
					while (response.write('x'.repeat(16 * 1024)));
				};
				response.on('drain', more).on('close', () => {
					hasGone = true;
				});
				more();
			},
		]);
		await assert.rejects(send(), { status: 403, advice: { kind: 'giveUp', code: 'denied', reason: 'forbidden' } });
		assert.equal(reports[0]?.body?.length, 16 * 1024);
		await until('the connection is given up', () => hasGone);
	});

	it('ends a wait when the caller gives up', async () => {
		await withKeys('one');
		const abort = new AbortController();
		replies.set('key-one', [(response) => response.writeHead(503, { 'retry-after': '15' }).end()]);
		const sent = send({ signal: abort.signal });
		const settled = assert.rejects(sent, { name: 'AbortError' });
		await until('the failure is told', () => reports.length === 1);
		abort.abort();
		await settled;
		assert.deepEqual(seen, ['key-one']);
	});
});
