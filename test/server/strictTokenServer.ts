/**
 * A token service that starts in a millisecond, for tests with many processes: single-use refresh tokens, reuse revokes
 * the family, and the same witness and faults as the full server. It has no sign-in pages: who comes to its authorization
 * endpoint is `login_hint` and has said yes.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CLIENT_ID } from './client.ts';
import type { Answer, Fault, Undo } from './faults.ts';
import { answerWithFaults, createFaults, isObject } from './faults.ts';
import { bearerOf, readForm } from './form.ts';
import { HOST, listen } from './listener.ts';
import type { OpenRecord, Oracle, RefreshTokenState } from './oracle.ts';
import { createOracle, digest, safeHeaders } from './oracle.ts';
import { type PersonId, people, personById } from './people.ts';
import { kindOf, routes, WHOAMI_PATH } from './routes.ts';

export type StrictOptions = {
	readonly port?: number;
	/** May be a fraction: 0.25 is a quarter of a second. */
	readonly accessTokenLifeS?: number;
	/** A used refresh token is answered once more for this long, while nothing newer was used; 0 is strict. */
	readonly gracePeriodMs?: number;
	/** What is answered inside the grace period: a `new` refresh token (default) or the `same` as the first time. */
	readonly graceAnswer?: 'new' | 'same';
};

export type Seed = {
	readonly familyId: string;
	readonly accessToken: string;
	readonly refreshToken: string;
	readonly expiresIn: number;
};

export type StrictTokenServer = Oracle & {
	readonly issuer: string;
	readonly port: number;
	readonly clientId: string;
	readonly tokenUrl: string;
	readonly authorizationUrl: string;
	readonly revocationUrl: string;
	readonly userinfoUrl: string;
	readonly whoamiUrl: string;
	/** Starts a family, as a finished sign-in would. */
	seed(person?: PersonId): Seed;
	/** Ends a family, as an administrator would. */
	revoke(familyId: string): void;
	fault(fault: Fault): Undo;
	setAccessTokenLife(lifeS: number): void;
	/** Ids of the families that can still be refreshed. */
	grantsAlive(): readonly string[];
	down(): Promise<void>;
	up(): Promise<void>;
	close(): Promise<void>;
};

type Family = { readonly id: string; readonly person: PersonId; revoked: boolean; newestUsed: number };
type RefreshToken = { readonly family: Family; readonly rotation: number; usedAtMs?: number; successor?: string };
type AccessToken = { readonly family: Family; readonly endsAtMs: number };

export async function startStrictTokenServer(options: StrictOptions = {}): Promise<StrictTokenServer> {
	const oracle = createOracle();
	const faults = createFaults();
	const closing = new AbortController();
	const gracePeriodMs = options.gracePeriodMs ?? 0;
	const families: Family[] = [];
	const refreshTokens = new Map<string, RefreshToken>();
	const accessTokens = new Map<string, AccessToken>();
	const codes = new Map<string, PersonId>();
	let accessTokenLifeS = options.accessTokenLifeS ?? 3600;

	const secret = (prefix: string): string => {
		const value = `${prefix}_${randomBytes(24).toString('base64url')}`;
		oracle.keepSecret(value);
		return value;
	};
	const issueAccessToken = (family: Family): string => {
		const accessToken = secret('at');
		accessTokens.set(accessToken, { family, endsAtMs: Date.now() + accessTokenLifeS * 1000 });
		return accessToken;
	};
	const issueRefreshToken = (family: Family, rotation: number): string => {
		const refreshToken = secret('rt');
		refreshTokens.set(refreshToken, { family, rotation });
		return refreshToken;
	};
	const stateOf = (token: RefreshToken | undefined): RefreshTokenState => {
		if (token === undefined) return 'dead';
		if (token.usedAtMs === undefined) return token.family.revoked ? 'dead' : 'live';
		const inGrace = Date.now() - token.usedAtMs < gracePeriodMs && token.family.newestUsed <= token.rotation;
		return inGrace && !token.family.revoked ? 'grace' : 'reused';
	};

	function startFamily(person: PersonId): Family {
		const family: Family = { id: `family-${families.length + 1}`, person, revoked: false, newestUsed: -1 };
		families.push(family);
		return family;
	}

	function authorize(query: URLSearchParams): Answer {
		const person = personById(query.get('login_hint') ?? '')?.id;
		if (person === undefined) return { status: 400, headers: {}, body: 'login_hint names nobody' };
		const code = secret('code');
		codes.set(code, person);
		const back = new URL(query.get('redirect_uri') ?? '');
		back.searchParams.set('code', code);
		back.searchParams.set('state', query.get('state') ?? '');
		return { status: 302, headers: { location: back.href }, body: undefined };
	}

	function redeem(form: URLSearchParams, record: OpenRecord): Answer {
		const code = form.get('code') ?? '';
		const person = codes.get(code);
		if (person === undefined || !codes.delete(code)) return json(400, { error: 'invalid_grant' });
		const family = startFamily(person);
		record.grantId = family.id;
		record.person = person;
		return issue(family, issueRefreshToken(family, 0), record);
	}

	function issue(family: Family, refreshToken: string, record: OpenRecord): Answer {
		const accessToken = issueAccessToken(family);
		record.issuedAccessTokenDigest = digest(accessToken);
		record.issuedRefreshTokenDigest = digest(refreshToken);
		return json(200, {
			access_token: accessToken,
			token_type: 'Bearer',
			expires_in: accessTokenLifeS,
			refresh_token: refreshToken,
			scope: 'api',
		});
	}

	function refresh(form: URLSearchParams, record: OpenRecord, keepRefreshToken: boolean): Answer {
		const value = form.get('refresh_token') ?? '';
		const token = refreshTokens.get(value);
		const state = stateOf(token);
		record.refreshTokenState = state;
		if (token === undefined) return json(400, { error: 'invalid_grant' });
		record.grantId = token.family.id;
		if (form.get('client_id') !== CLIENT_ID) return json(401, { error: 'invalid_client' });
		if (state === 'reused') token.family.revoked = true;
		if (state === 'reused' || state === 'dead') return json(400, { error: 'invalid_grant' });

		let next = value;
		if (!keepRefreshToken) {
			const again = state === 'grace' && options.graceAnswer === 'same' ? token.successor : undefined;
			next = again ?? issueRefreshToken(token.family, token.rotation + 1);
			token.usedAtMs ??= Date.now();
			token.successor ??= next;
			token.family.newestUsed = Math.max(token.family.newestUsed, token.rotation);
		}
		return issue(token.family, next, record);
	}

	function revokeToken(form: URLSearchParams): Answer {
		const value = form.get('token') ?? '';
		const family = refreshTokens.get(value)?.family;
		if (family !== undefined) family.revoked = true;
		accessTokens.delete(value);
		return { status: 200, headers: {}, body: undefined };
	}

	function userinfo(request: IncomingMessage): Answer {
		const found = accessTokens.get(bearerOf(request) ?? '');
		if (found === undefined || found.family.revoked) return json(401, { error: 'invalid_token' });
		const { sub, email, name } = people[found.family.person];
		return json(200, { sub, email, name });
	}

	function whoami(request: IncomingMessage): Answer {
		const token = bearerOf(request);
		const found = token === undefined ? undefined : accessTokens.get(token);
		if (found === undefined || found.family.revoked || found.endsAtMs <= Date.now()) {
			const challenge = token === undefined ? 'Bearer realm="demo"' : 'Bearer realm="demo", error="invalid_token"';
			return { status: 401, headers: { 'www-authenticate': challenge }, body: { error: 'invalid_token' } };
		}
		const { sub, email, name } = people[found.family.person];
		return json(200, { sub, email, name, tokenDigest: digest(token ?? '') });
	}

	async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { pathname: path, searchParams } = new URL(request.url ?? '/', issuer);
		const form = request.method === 'POST' ? await readForm(request) : new URLSearchParams();
		const grantType = form.get('grant_type');
		const sent = form.get('refresh_token') ?? form.get('token');
		const kind = kindOf(request.method ?? 'GET', path, grantType ?? undefined);
		const token = form.get('refresh_token') ?? bearerOf(request) ?? '';
		const person = (refreshTokens.get(token) ?? accessTokens.get(token))?.family.person;
		const active = faults.take(kind, person);
		oracle.keepSecret(form.get('refresh_token'));
		const record = oracle.arrived({
			kind,
			path,
			requestHeaders: safeHeaders(request.headers),
			...(person === undefined ? {} : { person }),
			...(grantType === null ? {} : { grantType }),
			...(sent === null ? {} : { refreshTokenDigest: digest(sent) }),
		});
		const keepRefreshToken = active.some(({ fault }) => fault.omitRefreshToken);
		const answer = await answerWithFaults(active, closing.signal, async () => {
			record.processed = true;
			if (kind === 'refresh') return refresh(form, record, keepRefreshToken);
			if (kind === 'code') return redeem(form, record);
			if (kind === 'authorize') return authorize(searchParams);
			if (kind === 'userinfo') return userinfo(request);
			if (kind === 'revocation') return revokeToken(form);
			if (kind === 'whoami') return whoami(request);
			if (kind === 'discovery') return json(200, metadata);
			if (path === routes.token) return json(400, { error: 'unsupported_grant_type' });
			return { status: 404, headers: {}, body: undefined };
		});
		if (answer === undefined) {
			record.delivered = false;
			response.destroy();
		} else {
			record.status = answer.status;
			record.delivered = !response.destroyed;
			if (isObject(answer.body) && typeof answer.body.error === 'string') record.error = answer.body.error;
			write(response, answer, faults.dateSkewMs());
		}
		oracle.done(record);
	}

	const listener = await listen(options.port ?? 0, (request, response) => {
		handle(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
	});
	const issuer = `http://${HOST}:${listener.port}`;
	const metadata = {
		issuer,
		token_endpoint: `${issuer}${routes.token}`,
		revocation_endpoint: `${issuer}${routes.revocation}`,
		response_types_supported: [],
		grant_types_supported: ['refresh_token'],
		token_endpoint_auth_methods_supported: ['none'],
	};

	return Object.assign(oracle, {
		issuer,
		port: listener.port,
		clientId: CLIENT_ID,
		tokenUrl: metadata.token_endpoint,
		authorizationUrl: `${issuer}${routes.authorization}`,
		userinfoUrl: `${issuer}${routes.userinfo}`,
		revocationUrl: metadata.revocation_endpoint,
		whoamiUrl: `${issuer}${WHOAMI_PATH}`,
		seed(person: PersonId = 'ada') {
			const family = startFamily(person);
			return {
				familyId: family.id,
				accessToken: issueAccessToken(family),
				refreshToken: issueRefreshToken(family, 0),
				expiresIn: accessTokenLifeS,
			};
		},
		revoke(familyId: string) {
			const family = families.find(({ id }) => id === familyId);
			if (family !== undefined) family.revoked = true;
		},
		fault: faults.add,
		setAccessTokenLife: (lifeS: number) => {
			accessTokenLifeS = lifeS;
		},
		grantsAlive: () => families.filter(({ revoked }) => !revoked).map(({ id }) => id),
		down: listener.down,
		up: listener.up,
		async close() {
			closing.abort();
			faults.clear();
			await listener.down();
		},
	});
}

function json(status: number, body: object): Answer {
	return { status, headers: { 'cache-control': 'no-store' }, body };
}

function write(response: ServerResponse, { status, headers, body }: Answer, skewMs: number): void {
	if (skewMs !== 0) response.setHeader('date', new Date(Date.now() + skewMs).toUTCString());
	if (typeof body === 'string' || body === undefined) {
		response.writeHead(status, headers).end(body);
		return;
	}
	response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
