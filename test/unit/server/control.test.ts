/** Another process sees the same witness and sets the same faults. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectControl } from '../../server/control.ts';
import { object, refresh, signIn, text } from './client.ts';

const main = fileURLToPath(new URL('../../server/main.ts', import.meta.url));

test('the demo service as a process: ready line, faults, waiting, report, down and up, end with its parent', async () => {
	const child = spawn(process.execPath, [main, '--access-token-life', '20', '--control', '--end-with-parent'], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
	try {
		const line = await new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
		const ready = object(JSON.parse(line));
		const service = { issuer: text(ready.issuer) };
		const remote = connectControl(text(ready.control));

		const { answer } = await signIn(service, 'ada');
		assert.equal(answer.expires_in, 20);
		const token = text(answer.refresh_token);
		const afterId = (await remote.report()).requests.at(-1)?.id ?? 0;

		const undo = await remote.fault({ respond: { status: 503, retryAfter: '1' } });
		assert.equal((await refresh(service, token)).status, 503);
		await undo.dispose();
		assert.equal((await remote.next('refresh', { afterId })).status, 503);
		await assert.rejects(remote.next('device', { deadlineMs: 1 }), /no device request/);

		await remote.down();
		await assert.rejects(refresh(service, token));
		await remote.up();
		await remote.setAccessTokenLife(30);
		assert.equal(object(await (await refresh(service, token)).json()).expires_in, 30);
		const report = await remote.report();
		assert.deepEqual([report.refreshes, report.refreshRequests, report.reuses], [1, 2, 0]);
		assert.equal(report.grantsAlive.length, 1);
		assert.ok((await remote.secrets()).includes(token));

		const fromPage = await fetch(new URL('secrets', text(ready.control)), { method: 'POST' });
		assert.equal(fromPage.status, 404, 'a web page, which cannot send the header, gets nothing');
	} finally {
		child.stdin.end();
	}
	assert.equal(await ended, 0);
});
