/** The middleware that sees every request first: it records it, applies the faults, and writes down what was issued. */
import { Readable } from 'node:stream';
import type { Context, Middleware } from 'oidc-provider';
import type { Faults } from './faults.ts';
import { answerWithFaults, isObject } from './faults.ts';
import { bearerOf, readBody } from './form.ts';
import type { OpenRecord, OracleRecorder } from './oracle.ts';
import { digest, safeHeaders, tokenKinds } from './oracle.ts';
import { type PersonId, personBySub } from './people.ts';
import { kindOf, routes } from './routes.ts';
import type { Store } from './store.ts';
import { createTurnstile } from './turnstile.ts';

/** Set in the context's state when this request's refresh token must stay valid. */
export const KEEP_REFRESH_TOKEN = 'keepRefreshToken';

export type WitnessPorts = {
	readonly issuer: () => string;
	readonly oracle: OracleRecorder;
	readonly faults: Faults;
	readonly store: Store;
	readonly closing: AbortSignal;
	/** Another answer for a token request, before the server sees it (the pace of device polling). */
	readonly intercept: (form: URLSearchParams) => { readonly error: string } | undefined;
	/** Added to the answer of the device authorization endpoint. */
	readonly deviceAnswer: (body: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
};

export function createWitness(ports: WitnessPorts): Middleware {
	const { oracle, faults } = ports;
	const inTurn = createTurnstile();

	return async (context, next) => {
		const { req } = context.request;
		forgetBrowserSession(context);
		let form: URLSearchParams | undefined;
		if (context.method === 'POST' && formPaths.has(context.path)) {
			form = new URLSearchParams((await readBody(req)).toString('utf8'));
			addDefaults(form, context.path);
			const replay = Buffer.from(form.toString());
			req.headers['content-length'] = String(replay.length);
			context.req = Readable.from([replay]);
		} else if (context.path === routes.authorization) {
			const url = new URL(context.url, ports.issuer());
			addDefaults(url.searchParams, context.path);
			context.url = `${url.pathname}${url.search}`;
		}

		const kind = kindOf(context.method, context.path, form?.get('grant_type') ?? undefined);
		const person = personOf(form?.get('refresh_token') ?? bearerOf(req), ports.store);
		const active = faults.take(kind, person);
		const record = oracle.arrived({
			kind,
			path: context.path,
			requestHeaders: safeHeaders(context.headers),
			...(person === undefined ? {} : { person }),
			...describe(form, oracle),
		});
		if (active.some(({ fault }) => fault.omitRefreshToken)) context.state[KEEP_REFRESH_TOKEN] = true;

		const answer = await answerWithFaults(active, ports.closing, async () => {
			const act = async (): Promise<void> => {
				const early = form === undefined ? undefined : ports.intercept(form);
				if (early !== undefined) {
					context.status = 400;
					context.body = early;
					return;
				}
				judgeRefreshToken(record, form, ports.store);
				await next();
				if (kind === 'deviceAuthorization' && context.status === 200 && isObject(context.body)) {
					context.body = ports.deviceAnswer(context.body);
				}
				if (tokenKinds.includes(kind)) noteIssued(record, context.body, ports);
			};
			await (tokenKinds.includes(kind) ? inTurn(act) : act());
			record.processed = true;
			return { status: context.status, headers: {}, body: context.body };
		});

		for (const { fault } of active)
			if (fault.redirect !== undefined) falsifyRedirect(context, fault.redirect, ports.issuer());
		const skewMs = faults.dateSkewMs();
		if (skewMs !== 0) context.set('Date', new Date(Date.now() + skewMs).toUTCString());

		if (answer === undefined) {
			record.delivered = false;
			context.respond = false;
			context.res.socket?.destroy();
		} else {
			if (answer.body !== context.body || answer.status !== context.status) {
				context.status = answer.status;
				context.body = answer.body;
				for (const [name, value] of Object.entries(answer.headers)) context.set(name, value);
			}
			record.status = answer.status;
			record.delivered = !context.res.destroyed;
			if (isObject(answer.body) && typeof answer.body.error === 'string') record.error = answer.body.error;
		}
		oracle.done(record);
	};
}

const formPaths: ReadonlySet<string> = new Set([
	routes.token,
	routes.revocation,
	routes.introspection,
	routes.device_authorization,
]);

/**
 * Who signs in is asked every time, and every sign-in is a grant of its own: the browser's session is kept only between
 * the pages of one device sign-in or sign-out, where it guards the forms.
 */
function forgetBrowserSession(context: Context): void {
	const { headers } = context.request.req;
	const firstDevicePage = context.method === 'GET' && context.path === routes.code_verification;
	const laterDevicePage = context.path.startsWith(routes.code_verification) && !firstDevicePage;
	// The page that asks whether to sign out everywhere sends its answer to the next one.
	const answersSignOut = context.method === 'POST' && context.path.startsWith(routes.end_session);
	if (headers.cookie === undefined || laterDevicePage || answersSignOut) return;
	headers.cookie = headers.cookie
		.split(/; */)
		.filter((cookie) => !cookie.startsWith('_session'))
		.join('; ');
}

/**
 * A request without scopes means the API (RFC 6749 section 3.3 leaves the default to the server). The library drops
 * `offline_access` where the client did not force a consent page; here the sign-in page always asks, so it counts.
 */
function addDefaults(parameters: URLSearchParams, path: string): void {
	if (path !== routes.authorization && path !== routes.device_authorization) return;
	if (!parameters.has('scope')) parameters.set('scope', 'api');
	if (path === routes.authorization && !parameters.has('prompt')) parameters.set('prompt', 'consent');
}

function describe(form: URLSearchParams | undefined, oracle: OracleRecorder): Partial<OpenRecord> {
	if (form === undefined) return {};
	for (const name of ['code', 'code_verifier', 'device_code', 'refresh_token']) oracle.keepSecret(form.get(name));
	const grantType = form.get('grant_type');
	const sent = form.get('refresh_token') ?? form.get('token');
	return {
		...(grantType === null ? {} : { grantType }),
		...(sent === null ? {} : { refreshTokenDigest: digest(sent) }),
	};
}

function personOf(token: string | undefined, store: Store): PersonId | undefined {
	const sub = token === undefined ? undefined : store.ownerOf(token);
	return sub === undefined ? undefined : personBySub(sub)?.id;
}

function judgeRefreshToken(record: OpenRecord, form: URLSearchParams | undefined, store: Store): void {
	const token = form?.get('refresh_token');
	if (record.kind !== 'refresh' || token === undefined || token === null) return;
	const { state, grantId } = store.inspect(token);
	record.refreshTokenState = state;
	if (grantId !== undefined) record.grantId = grantId;
}

function noteIssued(record: OpenRecord, body: unknown, { oracle, store }: WitnessPorts): void {
	if (!isObject(body)) return;
	oracle.keepSecret(body.id_token);
	if (typeof body.access_token === 'string') record.issuedAccessTokenDigest = digest(body.access_token);
	if (typeof body.refresh_token === 'string') {
		record.issuedRefreshTokenDigest = digest(body.refresh_token);
		const { grantId } = store.inspect(body.refresh_token);
		if (grantId !== undefined) record.grantId = grantId;
	}
}

function falsifyRedirect(context: Context, changes: Readonly<Record<string, string | null>>, issuer: string): void {
	const location = context.response.get('Location');
	const url = new URL(location, issuer);
	if (location === '' || url.origin === issuer) return;
	for (const [name, value] of Object.entries(changes)) {
		if (value === null) url.searchParams.delete(name);
		else url.searchParams.set(name, value);
	}
	context.redirect(url.href);
}
