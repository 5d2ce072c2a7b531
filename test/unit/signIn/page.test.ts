import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import type { ResultPage } from '../../../src/auth/signIn/page.ts';
import { renderPage } from '../../../src/auth/signIn/page.ts';

const EVIL = '<script>alert(1)</script>"\'&';
const pages: readonly ResultPage[] = [
	{ kind: 'signedIn', service: EVIL, account: EVIL },
	{ kind: 'signedIn', service: EVIL },
	{ kind: 'confirm', service: EVIL, account: EVIL },
	{ kind: 'confirm', service: EVIL },
	{ kind: 'denied', service: EVIL },
	{ kind: 'cancelled', service: EVIL },
	{ kind: 'timedOut', service: EVIL },
	{ kind: 'otherAccount', service: EVIL },
	{ kind: 'failed', service: EVIL, reason: EVIL },
	{ kind: 'pending', service: EVIL },
	{ kind: 'refused', service: EVIL },
	{ kind: 'unexpected' },
];

describe('the result page', () => {
	for (const page of pages) {
		it(`${page.kind}: one heading, a language, no script, nothing from outside, everything escaped`, () => {
			const { body, headers, status } = renderPage(page);
			assert.equal(body.match(/<h1>/g)?.length, 1);
			assert.match(body, /<html lang="en">/);
			assert.match(body, /<title>[^<]+<\/title>/);
			assert.match(body, /<main>/);
			assert.doesNotMatch(body, /<script|src=|href=|url\(|@import|\son\w+=/i);
			assert.equal(headers['content-length'], String(Buffer.byteLength(body)));
			assert.equal(headers['referrer-policy'], 'no-referrer');
			assert.equal(headers['cache-control'], 'no-store');
			assert.equal(status, page.kind === 'unexpected' ? 404 : page.kind === 'refused' ? 400 : 200);
		});
	}

	it('allows exactly its own style', () => {
		const { body, headers } = renderPage({ kind: 'unexpected' });
		const style = /<style>([\s\S]*)<\/style>/.exec(body)?.[1] ?? '';
		const hash = createHash('sha256').update(style).digest('base64');
		const policy = headers['content-security-policy'] ?? '';
		assert.ok(policy.includes(`style-src 'sha256-${hash}'`));
		assert.ok(policy.startsWith("default-src 'none'"));
		assert.ok(!policy.includes('unsafe'));
	});
});
