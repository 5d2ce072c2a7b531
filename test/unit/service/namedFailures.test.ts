/** Whatever keeps a token from being had, the error says which service it is about: the message names it, and its button leads there. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { isAuthError } from '../../../src/auth/errors.ts';
import { digest } from '../../../src/auth/log.ts';
import type { IssuedToken } from '../../../src/auth/service.ts';
import { failureMessage } from '../../../src/views/messages.ts';
import type { Fault } from '../../server/faults.ts';
import { startServer } from '../../server/server.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';
import { createSharedKeys, demoProvider, openWindow, scriptedUi } from '../../support/serviceWindow.ts';
import { tempFolder } from '../../support/tempFolder.ts';

async function signedIn(context: TestContext) {
	const server = await startServer({ accessTokenLifeS: 3600 });
	const window = openWindow(await tempFolder(context), createSharedKeys(), [demoProvider(server.issuer)]);
	context.after(async () => {
		window.service.dispose();
		await server.close();
	});
	const bucket = await window.service.signIn({ providerId: 'demo', ui: scriptedUi({ person: 'ada' }) });
	const get = (refusedDigest: string | undefined, deadlineMs = 20_000): Promise<IssuedToken> =>
		window.service.getToken({
			providerId: 'demo',
			deadlineMs,
			purpose: 'test',
			...(refusedDigest === undefined ? {} : { refusedDigest }),
		});
	const refused = digest((await get(undefined)).token.value);
	return { server, window, bucket, get, refused };
}

function assertNamed(error: unknown, code: string): true {
	assert.ok(isAuthError(error) && error.code === code, String(error));
	assert.equal(error.detail.provider, 'demo');
	const { text } = failureMessage(error, () => 'Demo', plainLocalizer);
	assert.match(text, /Demo/);
	assert.doesNotMatch(text, /the service/i);
	return true;
}

describe('a failure names its service', () => {
	const faults: Readonly<Record<string, Fault>> = {
		transient: { on: 'refresh', respond: { status: 503 } },
		invalid_grant: { on: 'refresh', oauthError: 'invalid_grant' },
		configuration: { on: 'refresh', oauthError: 'invalid_client' },
	};
	for (const [code, fault] of Object.entries(faults)) {
		it(`where a request for a token ends with ${code}`, async (context) => {
			const { server, get, refused } = await signedIn(context);
			server.fault(fault);
			await assert.rejects(get(refused), (error) => assertNamed(error, code));
		});

		it(`where the person asks for a new token and it ends with ${code}`, async (context) => {
			const { server, window, bucket } = await signedIn(context);
			server.fault(fault);
			await assert.rejects(window.service.refresh('demo', bucket.id), (error) => assertNamed(error, code));
		});
	}

	it('where the caller’s own time ends first', async (context) => {
		const { server, get, refused } = await signedIn(context);
		const held = server.fault({ on: 'refresh', hold: 'before' });
		await assert.rejects(get(refused, 50), (error) => assertNamed(error, 'timeout'));
		held.dispose();
	});
});
