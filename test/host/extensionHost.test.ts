/** The suite inside the extension host of the VS Code server, with the packaged extension. Each of its tests is one here. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import { VSIX_PATH } from '../../scripts/package.ts';
import { launchBrowser } from '../support/browser.ts';
import { runInHost } from '../support/inHost.ts';
import { type RunningVscodeServer, startVscodeServer } from '../support/vscodeServer.ts';
import { HOST_SETTINGS } from './hostSettings.ts';

describe('inside the extension host of the VS Code server', () => {
	let server: RunningVscodeServer;
	let browser: Browser;

	before(async () => {
		server = await startVscodeServer({ vsixPaths: [VSIX_PATH], settings: HOST_SETTINGS, smokeTestDriver: true });
		browser = await launchBrowser();
	});

	after(async () => {
		await browser?.close();
		await server?.stop();
	});

	it('the suite ends, and each of its tests holds', async (t) => {
		const module = path.join(import.meta.dirname, 'suite.ts');
		const { tests, output } = await runInHost({ browser, server, module });
		for (const line of output) {
			const found = /agent-auth-activation:(.*)/.exec(line)?.[1];
			if (found !== undefined) console.log(`  in the VS Code server: ${found}`);
		}
		assert.ok(tests.length > 0, output.join('\n'));
		for (const { name, error } of tests) {
			await t.test(name, () => {
				if (error !== undefined) assert.fail(error);
			});
		}
	});
});
