import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AuthError, type AuthErrorCode } from '../../../src/auth/errors.ts';
import { plain } from '../../../src/views/localizer.ts';
import { failureMessage } from '../../../src/views/messages.ts';
import { plainLocalizer } from '../../support/plainLocalizer.ts';

const CODES: Record<AuthErrorCode, true> = {
	no_account: true,
	invalid_grant: true,
	unknown_outcome: true,
	transient: true,
	unavailable: true,
	service_changed: true,
	locked: true,
	storage: true,
	key_missing: true,
	key_unreadable: true,
	damaged: true,
	newer_schema: true,
	conflict: true,
	cancelled: true,
	timeout: true,
	configuration: true,
	unknown_provider: true,
	identity: true,
	denied: true,
	protocol: true,
	refused: true,
	exhausted: true,
	binding: true,
	disabled: true,
	untrusted: true,
};

function message(error: unknown) {
	return failureMessage(error, (id) => (id === 'acme' ? 'Acme' : undefined), plainLocalizer);
}

function isCode(code: string): code is AuthErrorCode {
	return code in CODES;
}

describe('failures in words', () => {
	it('are one sentence of their own for each code, and never the text for the log', () => {
		const texts = Object.keys(CODES)
			.filter(isCode)
			.map((code) => message(new AuthError(code, 'text for the log', { detail: { provider: 'acme' } })).text);
		assert.equal(new Set(texts).size, texts.length);
		assert.ok(texts.every((text) => text.endsWith('.') && !text.includes('text for the log')));
	});

	it('name the service by its label', () => {
		const error = new AuthError('invalid_grant', 'x', { detail: { provider: 'acme' } });
		assert.deepEqual(message(error), { text: 'The session with Acme has ended. Sign in again.', action: 'signIn' });
	});

	it('add what the server said, which people search for', () => {
		const error = new AuthError('protocol', 'x', { detail: { serverError: 'invalid_client', status: 401 } });
		assert.match(message(error).text, /\(invalid_client, HTTP 401\)$/);
	});

	it('say that scopes were refused when they were', () => {
		const error = new AuthError('denied', 'x', { detail: { provider: 'acme', serverError: 'invalid_scope' } });
		assert.match(message(error).text, /did not grant/);
	});

	it('name the exhausted account where no other one may stand in', () => {
		const row = (name: string) => ({ bucketId: name, name, reason: 'cooling' as const });
		const text = (...names: string[]) =>
			message(new AuthError('exhausted', 'x', { detail: { provider: 'acme', buckets: names.map(row) } })).text;
		assert.equal(text('team'), 'The account "team" of Acme is exhausted, and no other may stand in.');
		assert.equal(text('team', 'own'), 'Every account of Acme is exhausted.');
	});

	it('say nothing of an error that is not ours but that the log has it', () => {
		assert.deepEqual(message(new Error('refresh_token=hunter2')).action, 'showLog');
		assert.ok(!message(new Error('refresh_token=hunter2')).text.includes('hunter2'));
	});
});

describe('names of others in messages', () => {
	it('cannot become a link, a second line or a page of text', () => {
		assert.equal(plain('[click](command:evil)'), '[click] (command:evil)');
		assert.equal(plain('a\nb\u202ec'), 'a b c');
		assert.ok(plain('x'.repeat(1000)).length < 200);
	});
});
