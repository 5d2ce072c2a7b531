/** Completes a sign-in at the demo service without a browser, by reading its pages and submitting their forms. */
import type { PersonId } from '../server/people.ts';

export type SignInOptions = {
	/** Press Cancel instead. */
	readonly deny?: boolean;
	/** False: do not request the redirect URI, only return it (as pasting it would need). Default true. */
	readonly deliver?: boolean;
	readonly signal?: AbortSignal;
};

export type SignInResult = {
	/** Where the service sent the browser: the redirect URI with `code`, `state` and `iss`, or `error`. */
	readonly redirectUrl: string;
	/** What the loopback listener answered; absent if not delivered. */
	readonly status?: number;
	readonly body?: string;
};

/** Follows an authorization URL as a person who presses one button would, up to the redirect URI. */
export async function signInByHttp(
	authorizeUrl: string,
	person: PersonId,
	options: SignInOptions = {},
): Promise<SignInResult> {
	const browser = createBrowser(new URL(authorizeUrl).origin, options.signal);
	const page = await browser.open(authorizeUrl);
	const end = page.left ?? (await browser.submit(page, choice(person, options.deny))).left;
	if (end === undefined) throw new Error('the sign-in page did not lead to the redirect URI');
	if (options.deliver === false) return { redirectUrl: end };
	const response = await fetch(end, { redirect: 'manual', ...(options.signal && { signal: options.signal }) });
	return { redirectUrl: end, status: response.status, body: await response.text() };
}

/**
 * Approves (or with `deny` refuses) a device sign-in. Takes the verification address with or without the code in it.
 * Returns the text of the last page.
 */
export async function approveDeviceByHttp(
	verification: { readonly verificationUri: string; readonly userCode: string },
	person: PersonId,
	options: Pick<SignInOptions, 'deny' | 'signal'> = {},
): Promise<string> {
	const browser = createBrowser(new URL(verification.verificationUri).origin, options.signal);
	let page = await browser.open(verification.verificationUri);
	page = await browser.submit(page, { user_code: verification.userCode });
	page = await browser.submit(page, { confirm: 'yes' });
	page = await browser.submit(page, choice(person, options.deny));
	return page.text;
}

function choice(person: PersonId, deny = false): Readonly<Record<string, string>> {
	return deny ? { deny: 'yes' } : { person };
}

type Page = {
	readonly url: string;
	readonly text: string;
	/** The address outside the service that it redirected to. */
	readonly left?: string;
};

/** More would be a loop. */
const MAX_REDIRECTS = 10;

function createBrowser(origin: string, signal: AbortSignal | undefined) {
	const cookies = new Map<string, string>();

	async function open(address: string, form?: URLSearchParams): Promise<Page> {
		let url = address;
		let body = form;
		for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
			const response = await fetch(url, {
				redirect: 'manual',
				headers: {
					accept: 'text/html',
					cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
				},
				...(body && { method: 'POST', body }),
				...(signal && { signal }),
			});
			for (const cookie of response.headers.getSetCookie()) keepCookie(cookies, cookie);
			const location = response.headers.get('location');
			const text = await response.text();
			if (location === null) return { url, text };
			url = new URL(location, url).href;
			if (new URL(url).origin !== origin) return { url, text, left: url };
			body = undefined;
		}
		throw new Error('too many redirects');
	}

	return {
		open: (address: string) => open(address),
		/** Submits the page's form with these fields besides its hidden ones. */
		submit(page: Page, fields: Readonly<Record<string, string>>): Promise<Page> {
			const action = /<form[^>]* action="([^"]*)"/.exec(page.text)?.[1];
			if (action === undefined) throw new Error(`no form on the page: ${titleOf(page.text)}`);
			const form = new URLSearchParams(fields);
			for (const [input] of page.text.matchAll(/<input[^>]* type="hidden"[^>]*>|<input type="hidden"[^>]*>/g)) {
				const name = /name="([^"]*)"/.exec(input)?.[1];
				if (name !== undefined && !form.has(name)) form.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? '');
			}
			return open(new URL(action, page.url).href, form);
		},
	};
}

function keepCookie(cookies: Map<string, string>, header: string): void {
	const [pair = '', ...attributes] = header.split(';');
	const [name = '', ...value] = pair.split('=');
	const gone = attributes.some((attribute) => /expires=Thu, 01 Jan 1970/i.test(attribute));
	if (gone) cookies.delete(name.trim());
	else cookies.set(name.trim(), value.join('='));
}

function titleOf(text: string): string {
	return /<h1>([^<]*)<\/h1>/.exec(text)?.[1] ?? 'without a title';
}
