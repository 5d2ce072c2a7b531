/** The only network is to the configured services: a whole life of a sign-in, in a process that watches its connections. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type Server, startServer } from '../server/server.ts';
import type { Witnessed } from '../support/networkWitness.ts';
import { tempFolder } from '../support/tempFolder.ts';

const WITNESS = path.join(import.meta.dirname, '..', 'support', 'networkWitness.ts');
const TIMEOUT_MS = 60_000;

describe('the network', () => {
	let server: Server;
	before(async () => {
		server = await startServer({ accessTokenLifeS: 3600 });
	});
	after(() => server.close());

	async function witness(folder: string, ...args: string[]): Promise<Witnessed> {
		const { stdout } = await promisify(execFile)(process.execPath, [WITNESS, server.issuer, folder, ...args], {
			timeout: TIMEOUT_MS,
		});
		return JSON.parse(/^witnessed (.*)$/m.exec(stdout)?.[1] ?? assert.fail(stdout));
	}

	it('is the configured service and the own redirect address, and nothing else', async (t) => {
		const seen = await witness(await tempFolder(t));
		const { host, hostname } = new URL(server.issuer);
		// The redirect address is on this machine too; the one who visits it here is the scripted browser.
		assert.ok(seen.connected.includes(host), seen.connected.join());
		assert.ok(
			seen.connected.every((address) => address.startsWith(`${hostname}:`)),
			seen.connected.join(),
		);
		const elsewhere = seen.origins.filter((origin) => origin !== server.issuer);
		assert.ok(elsewhere.length <= 1, elsewhere.join());
		assert.deepEqual(seen.resolved, []);
		assert.equal(seen.listened.length, 1, seen.listened.join());
		assert.match(seen.listened[0] ?? '', /"host":"127\.0\.0\.1"/);
		assert.ok(server.refreshRequests() >= 1);
	});

	it('would be seen elsewhere', async (t) => {
		const seen = await witness(await tempFolder(t), 'http://agent-auth.invalid/');
		assert.ok(
			seen.resolved.includes('agent-auth.invalid') || seen.connected.some((one) => one.includes('agent-auth.invalid')),
		);
		assert.ok(seen.origins.includes('http://agent-auth.invalid'));
		assert.equal(seen.listened.length, 2);
	});
});
