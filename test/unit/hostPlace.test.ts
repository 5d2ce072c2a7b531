import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharesLoopback } from '../../src/auth/hostPlace.ts';

const desktop = (remoteName: string | undefined, isUi = false) => sharesLoopback({ isDesktop: true, remoteName, isUi });
const browser = (remoteName: string | undefined) => sharesLoopback({ isDesktop: false, remoteName, isUi: false });

describe('whether a browser reaches the loopback address of this host', () => {
	it('does from a local window of the desktop, and from what runs beside the screen of a remote one', () => {
		assert.equal(desktop(undefined), true);
		assert.equal(desktop('ssh-remote', true), true);
	});

	it('does not from the far side of a remote window', () => {
		for (const remote of ['ssh-remote', 'wsl', 'dev-container', 'localhost']) assert.equal(desktop(remote), false);
	});

	it('does from a VS Code server that is itself opened at a loopback address', () => {
		for (const authority of ['127.0.0.1:8080', 'localhost:3000', 'LOCALHOST', '[::1]:8080', '127.0.0.1'])
			assert.equal(browser(authority), true, authority);
	});

	it('does not from a server opened elsewhere, whatever its name pretends', () => {
		for (const authority of [
			'10.0.0.7:8080',
			'code.example.com',
			'localhost.example.com:8080',
			'127.0.0.1.example.com',
			'example.com:127',
			'',
		])
			assert.equal(browser(authority), false, authority);
		assert.equal(browser(undefined), false);
	});
});
