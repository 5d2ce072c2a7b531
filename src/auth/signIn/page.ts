/**
 * What the browser shows after the redirect. It tells how the sign-in really ended and where to go on. No scripts, no
 * foreign content, nothing that a server or an account could inject; readable without styles.
 * It is served to a browser, outside VS Code, hence its text is here and not in `src/views`.
 */
import { createHash } from 'node:crypto';

export type ResultPage =
	| { readonly kind: 'signedIn'; readonly service: string; readonly account?: string }
	/** VS Code asks whether this account is to be used. */
	| { readonly kind: 'confirm'; readonly service: string; readonly account?: string }
	| { readonly kind: 'denied'; readonly service: string }
	| { readonly kind: 'cancelled'; readonly service: string }
	| { readonly kind: 'timedOut'; readonly service: string }
	| { readonly kind: 'otherAccount'; readonly service: string }
	/** `reason` is an OAuth error code. */
	| { readonly kind: 'failed'; readonly service: string; readonly reason?: string }
	/** The outcome is not known yet. */
	| { readonly kind: 'pending'; readonly service: string }
	/** What looks like the answer and was not taken; VS Code says why. */
	| { readonly kind: 'refused'; readonly service: string }
	/** A request that belongs to no running sign-in. */
	| { readonly kind: 'unexpected' };

export type Rendered = {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
};

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.5rem; }
p { margin: 0; }
`;

const HEADERS: Readonly<Record<string, string>> = {
	'content-type': 'text/html; charset=utf-8',
	'content-security-policy': [
		"default-src 'none'",
		`style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	].join('; '),
	// The address holds the code.
	'referrer-policy': 'no-referrer',
	'cache-control': 'no-store',
	'x-content-type-options': 'nosniff',
	'cross-origin-opener-policy': 'same-origin',
	connection: 'close',
};

/** Errors of the sign-in itself have status 200, or browsers show a page of their own. */
export function renderPage(page: ResultPage): Rendered {
	const status = page.kind === 'unexpected' ? 404 : page.kind === 'refused' ? 400 : 200;
	const { title, text } = wording(page);
	const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - Agent Auth</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(text)}</p>
</main>
</body>
</html>
`;
	return { status, headers: { ...HEADERS, 'content-length': String(Buffer.byteLength(body)) }, body };
}

function wording(page: ResultPage): { readonly title: string; readonly text: string } {
	switch (page.kind) {
		case 'signedIn':
			return {
				title: page.account ? `Signed in to ${page.service} as ${page.account}` : `Signed in to ${page.service}`,
				text: 'You can close this page and go back to VS Code.',
			};
		case 'confirm':
			return {
				title: page.account ? `You chose ${page.account}` : 'You chose an account',
				text: `Another account was expected. Go back to VS Code: it asks whether to use this one for ${page.service}.`,
			};
		case 'denied':
			return {
				title: `${page.service} did not allow the sign-in`,
				text: 'Nothing was stored. Go back to VS Code to try again.',
			};
		case 'cancelled':
			return { title: 'Sign-in cancelled', text: `Nothing was stored for ${page.service}. You can close this page.` };
		case 'timedOut':
			return {
				title: 'The sign-in took too long',
				text: `Nothing was stored for ${page.service}. Go back to VS Code to try again.`,
			};
		case 'otherAccount':
			return {
				title: 'This account was not used',
				text: `Nothing was stored for ${page.service}. Go back to VS Code to try again.`,
			};
		case 'failed':
			return {
				title: `Could not sign in to ${page.service}`,
				text: `${page.reason ? `The service answered "${page.reason}". ` : ''}Go back to VS Code: it says what happened.`,
			};
		case 'pending':
			return {
				title: `Signing in to ${page.service}`,
				text: 'The service has not answered yet. Go back to VS Code: it says how the sign-in ends.',
			};
		case 'refused':
			return {
				title: `This answer of ${page.service} was not taken`,
				text: 'The sign-in still waits. Go back to VS Code: it says what is wrong and how to go on.',
			};
		case 'unexpected':
			return {
				title: 'No sign-in is waiting for this page',
				text: 'It may belong to an earlier attempt. Go back to VS Code and sign in again if you need to.',
			};
	}
}

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
