/** The pages of the demo service: plain, readable without scripts, and each control has a name a screen reader can say. */
import type { Person } from './people.ts';

export function signInPage(options: {
	readonly action: string;
	readonly client: string;
	readonly scopes: readonly string[];
	readonly people: readonly Person[];
	/** Set for a device sign-in, so that the person knows which sign-in this page belongs to. */
	readonly userCode?: string;
}): string {
	const asked = options.scopes.flatMap((scope) => scopeTexts[scope] ?? []);
	return page(
		'Sign in',
		`<p><strong>${escapeHtml(options.client)}</strong> would like to use your demo account.</p>
${asked.length > 0 ? `<p>It will be able to:</p>\n<ul>${asked.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>` : ''}
<form method="post" action="${escapeHtml(options.action)}">
<h2>Who are you?</h2>
${options.people.map(personButton).join('\n')}
<button class="quiet" name="deny" value="yes">Cancel</button>
</form>
<p class="note">This service runs on your machine only. There is no password: both people are made up.</p>`,
	);
}

export function deviceCodePage(options: {
	readonly action: string;
	readonly xsrf: string;
	readonly problem?: string;
}): string {
	return page(
		'Connect a device',
		`${options.problem === undefined ? '' : `<p role="alert" class="problem">${escapeHtml(options.problem)}</p>`}
<form method="post" action="${escapeHtml(options.action)}">
<input type="hidden" name="xsrf" value="${escapeHtml(options.xsrf)}">
<label for="user_code">Code shown by the application</label>
<input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX" required autofocus>
<button>Continue</button>
</form>`,
	);
}

export function deviceConfirmPage(options: {
	readonly action: string;
	readonly xsrf: string;
	readonly client: string;
	readonly userCode: string;
}): string {
	return page(
		'Is this your code?',
		`<p><strong>${escapeHtml(options.client)}</strong> should show this code:</p>
<p class="code">${escapeHtml(options.userCode)}</p>
<p>If it does not, or you did not start this, press Cancel.</p>
<form method="post" action="${escapeHtml(options.action)}">
<input type="hidden" name="xsrf" value="${escapeHtml(options.xsrf)}">
<input type="hidden" name="user_code" value="${escapeHtml(options.userCode)}">
<button name="confirm" value="yes">Yes, this is my code</button>
<button class="quiet" name="abort" value="yes">Cancel</button>
</form>`,
	);
}

export function messagePage(title: string, text: string): string {
	return page(title, `<p>${escapeHtml(text)}</p>`);
}

export function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

function personButton(person: Person): string {
	return `<button name="person" value="${person.id}" aria-label="Sign in as ${escapeHtml(person.name)}">${escapeHtml(person.name)}<small>${escapeHtml(person.email)}</small></button>`;
}

/** What a scope means to a person. */
const scopeTexts: Readonly<Record<string, string>> = {
	email: 'see your email address',
	profile: 'see your name',
	offline_access: 'stay signed in until you sign out',
	api: 'call the demo service for you',
};

function page(title: string, body: string): string {
	return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} – Demo Service</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="brand">Demo Service</p>
<h1>${escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>`;
}

const style = `
:root { color-scheme: light dark; --line: #d0d5dd; --ink: #1d2433; --soft: #566074; --paper: #fff; --back: #f2f4f7; --accent: #2456c8; --accent-ink: #fff; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --line: #3b4252; --ink: #e6e9ef; --soft: #a3adc0; --paper: #1b1f27; --back: #12151b; --accent: #7aa2ff; --accent-ink: #0d1220; --bad: #ff8f85; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 26rem; margin: 8vh auto 2rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px; }
.brand { margin: 0; color: var(--soft); font-size: .875rem; }
h1 { margin: .25rem 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
ul { margin: 0; padding-left: 1.25rem; }
label { display: block; margin-bottom: .25rem; font-weight: 600; }
input:not([type=hidden]) { width: 100%; padding: .75rem; border: 1px solid var(--line); border-radius: 8px; background: transparent; color: inherit; font: 1.25rem ui-monospace, monospace; text-transform: uppercase; }
button { display: block; width: 100%; margin-top: .5rem; padding: .75rem 1rem; border: 1px solid transparent; border-radius: 8px; background: var(--accent); color: var(--accent-ink); font: inherit; font-weight: 600; text-align: left; cursor: pointer; }
button small { display: block; font-weight: 400; }
button.quiet { background: transparent; border-color: var(--line); color: inherit; font-weight: 400; text-align: center; }
button:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.code { margin: 1rem 0; font: 600 2rem ui-monospace, monospace; letter-spacing: .1em; text-align: center; }
.problem { color: var(--bad); }
.note { margin: 1.5rem 0 0; color: var(--soft); font-size: .875rem; }
`;
