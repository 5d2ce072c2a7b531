/** What the demo service adds to the library: its sign-in page, the protected endpoint and a start page. */
import { type Context, errors, type Middleware, type Provider } from 'oidc-provider';
import { CLIENT_NAME } from './client.ts';
import { bearerOf, readForm } from './form.ts';
import { digest } from './oracle.ts';
import { deviceCodePage, deviceConfirmPage, messagePage, signInPage } from './pages.ts';
import { people, personById, personBySub } from './people.ts';
import { routes, SIGN_IN_PATH, WHOAMI_PATH } from './routes.ts';

export function createSignInRoutes(provider: () => Provider): Middleware {
	return async (context, next) => {
		if (context.path.startsWith(SIGN_IN_PATH)) return signIn(context, provider());
		if (context.path === WHOAMI_PATH) return whoami(context, provider());
		if (context.path === '/') {
			return html(context, messagePage('Ready', 'Start a sign-in in Visual Studio Code; its page opens here.'));
		}
		return next();
	};
}

async function signIn(context: Context, provider: Provider): Promise<void> {
	const { req } = context.request;
	try {
		const { params } = await provider.interactionDetails(req, context.res);
		if (context.method !== 'POST') {
			return html(
				context,
				signInPage({
					action: context.path,
					client: CLIENT_NAME,
					scopes: (params.scope ?? '').split(' '),
					people: Object.values(people),
				}),
			);
		}
		const form = await readForm(req);
		const person = personById(form.get('person') ?? '');
		if (!form.has('deny') && person === undefined) {
			return html(context, messagePage('Nobody of that name', 'Go back and choose one of the two people.'), 400);
		}
		const result =
			person === undefined
				? { error: 'access_denied', error_description: 'the person said no' }
				: { login: { accountId: person.sub }, consent: { grantId: await grant(provider, person.sub, params) } };
		context.redirect(await provider.interactionResult(req, context.res, result, { mergeWithLastSubmission: false }));
		context.status = 303;
	} catch (error) {
		if (!(error instanceof errors.SessionNotFound)) throw error;
		html(context, messagePage('This sign-in has ended', 'Start again in the application.'), 400);
	}
}

async function grant(
	provider: Provider,
	accountId: string,
	params: Readonly<Record<string, string | undefined>>,
): Promise<string> {
	const created = new provider.Grant({ accountId, clientId: params.client_id ?? '' });
	created.addOIDCScope(params.scope ?? '');
	return created.save();
}

/** RFC 6750 section 3: a challenge without `error` when no token was sent. */
async function whoami(context: Context, provider: Provider): Promise<void> {
	const token = bearerOf(context.request.req);
	const found = token === undefined ? undefined : await provider.AccessToken.find(token);
	const person = found === undefined ? undefined : personBySub(found.accountId);
	if (person === undefined) {
		context.status = 401;
		context.set(
			'WWW-Authenticate',
			token === undefined ? 'Bearer realm="demo"' : 'Bearer realm="demo", error="invalid_token"',
		);
		context.body = token === undefined ? {} : { error: 'invalid_token' };
		return;
	}
	const tokenDigest = digest(token ?? '');
	context.body = { sub: person.sub, email: person.email, name: person.name, tokenDigest };
}

/** The pages of the device flow, in the form the library asks for. */
export const devicePages = {
	async userCodeInputSource(context: Context, _form: string, _out?: object, error?: Error): Promise<void> {
		if (error !== undefined && problems[error.constructor.name] === undefined) {
			return html(context, messagePage('This sign-in has ended', 'Start again in the application.'), 400);
		}
		if (error?.constructor.name === 'AbortedError') {
			return html(context, messagePage('Cancelled', 'Nobody was signed in. You can close this page.'));
		}
		const problem = error === undefined ? undefined : problems[error.constructor.name];
		html(
			context,
			deviceCodePage({
				action: routes.code_verification,
				xsrf: context.oidc.session.state?.secret ?? '',
				...(problem === undefined ? {} : { problem }),
			}),
		);
	},
	async userCodeConfirmSource(
		context: Context,
		_form: string,
		_client: object,
		_deviceInfo: object,
		userCode: string,
	): Promise<void> {
		html(
			context,
			deviceConfirmPage({
				action: routes.code_verification,
				xsrf: context.oidc.session.state?.secret ?? '',
				client: CLIENT_NAME,
				userCode,
			}),
		);
	},
	async successSource(context: Context): Promise<void> {
		html(context, messagePage('You are signed in', 'You can close this page and go back to the application.'));
	},
};

/** By the library's error names, which it sets on purpose for this. */
const problems: Readonly<Record<string, string>> = {
	NoCodeError: 'Enter the code.',
	NotFoundError: 'There is no such code. Check it and try again.',
	ExpiredError: 'This code has expired. Ask the application for a new one.',
	AlreadyUsedError: 'This code was used already. Ask the application for a new one.',
	AbortedError: 'Cancelled.',
};

export function html(context: Context, text: string, status = 200): void {
	context.status = status;
	context.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
	context.set('Content-Type', 'text/html; charset=utf-8');
	context.body = text;
}
