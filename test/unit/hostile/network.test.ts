/** The network goes away between any two steps of a sign-in or a refresh: nothing half is kept, and the next try works. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import type { RequestKind } from '../../server/oracle.ts';
import { type Server, startServer } from '../../server/server.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi, type Window } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';
import { until } from '../../support/until.ts';

type Scene = { readonly server: Server; readonly folder: string; open(): Window };

async function createScene(context: TestContext): Promise<Scene> {
	const folder = await tempFolder(context);
	const server = await startServer({ accessTokenLifeS: 3600, deviceIntervalS: 1, gracePeriodMs: 30_000 });
	const keys = createSharedKeys();
	const windows: Window[] = [];
	context.after(async () => {
		for (const { service } of windows) service.dispose();
		await server.close();
	});
	return {
		server,
		folder,
		open() {
			const window = openWindow(folder, keys, [demoProvider(server.issuer)]);
			windows.push(window);
			return window;
		},
	};
}

const records = async (folder: string): Promise<string[]> =>
	(await readdir(join(folder, 'vault')).catch(() => [])).filter((name) =>
		/^[0-9a-f]{64}\.\d+\.(rec|.*tmp)$/.test(name),
	);

const buckets = ({ service }: Window) => service.snapshot().providers.flatMap((provider) => provider.buckets);

/** The requests that a sign-in makes from this machine, in order. */
const STEPS: Readonly<Record<'loopback' | 'device' | 'paste', readonly RequestKind[]>> = {
	loopback: ['discovery', 'code'],
	paste: ['discovery', 'code'],
	device: ['discovery', 'deviceAuthorization', 'device'],
};

describe('the network goes away', () => {
	for (const flow of ['loopback', 'device', 'paste'] as const)
		for (const on of STEPS[flow])
			for (const drop of ['before', 'after'] as const)
				it(`${drop} the service has acted on "${on}" of a sign-in by ${flow}`, async (context) => {
					const { server, folder, open } = await createScene(context);
					const window = open();
					server.fault({ on, drop, times: 1 });
					const signIn = () =>
						window.service.signIn({ providerId: 'demo', flow, ui: scriptedUi({ person: 'ada', flow }) });
					const outcome = await signIn().then(
						() => 'signed in' as const,
						(error: unknown) => error,
					);
					// A device flow may ask again; a code is for one time, so its loss ends the flow.
					if (outcome !== 'signed in') {
						// The lost answer of a device code took the code with it, and the service says so at the next question.
						const isCodeGone = on === 'device' && drop === 'after' && isAuthError(outcome, 'protocol');
						assert.ok(isCodeGone || isAuthError(outcome, 'transient'), String(outcome));
						assert.deepEqual(await records(folder), []);
						assert.deepEqual(buckets(window), []);
						const bucket = await signIn();
						assert.equal(bucket.account.label, 'ada@example.test');
					}
					assert.equal((await records(folder)).length, 1);
					assert.equal(buckets(window).length, 1);
					assert.equal(server.count(on) >= 1, true);
				});

	for (const drop of ['before', 'after'] as const)
		it(`${drop} the service has acted on a refresh: the same session goes on, in every window`, async (context) => {
			const { server, open } = await createScene(context);
			const [first, second] = [open(), open()];
			const bucket = await first.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
			const before = (await first.service.getToken({ providerId: 'demo', deadlineMs: 5_000, purpose: 'test' })).token;
			await until('the second window knows it', () => buckets(second).length === 1);
			server.fault({ on: 'refresh', drop, times: 1 });
			const ask = (window: Window) =>
				window.service.getToken({
					providerId: 'demo',
					deadlineMs: 20_000,
					purpose: 'test',
					refusedDigest: digest(before.value),
				});
			const token = await until('a token comes back', async () => {
				const [one, two] = await Promise.allSettled([ask(first), ask(second)]);
				if (one?.status !== 'fulfilled' || two?.status !== 'fulfilled') return undefined;
				assert.equal(one.value.token.value, two.value.token.value);
				return one.value.token.value;
			});
			assert.notEqual(token, before.value);
			assert.equal(buckets(first)[0]?.id, bucket.id);
			assert.equal(buckets(first)[0]?.state.kind, 'ready');
			assert.equal(server.grantsAlive().length, 1);
		});
});
