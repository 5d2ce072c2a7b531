/** Paths of the demo service, and what kind of request arrives at each. */
import type { RequestKind } from './oracle.ts';

export const routes = {
	authorization: '/auth',
	code_verification: '/device',
	device_authorization: '/device/auth',
	end_session: '/session/end',
	introspection: '/token/introspection',
	jwks: '/jwks',
	revocation: '/token/revocation',
	token: '/token',
	userinfo: '/me',
} as const;

/** The protected endpoint that answers whose token it was sent. */
export const WHOAMI_PATH = '/whoami';
/** Where the sign-in page of one authorization request lives; the id follows. */
export const SIGN_IN_PATH = '/sign-in/';

export function kindOf(method: string, path: string, grantType?: string): RequestKind {
	if (method === 'POST' && path === routes.token) return grantKinds[grantType ?? ''] ?? 'otherGrant';
	if (path.startsWith('/.well-known/')) return 'discovery';
	if (path === routes.authorization || path.startsWith(`${routes.authorization}/`)) return 'authorize';
	return pathKinds[path] ?? 'page';
}

const grantKinds: Readonly<Record<string, RequestKind>> = {
	authorization_code: 'code',
	refresh_token: 'refresh',
	'urn:ietf:params:oauth:grant-type:device_code': 'device',
};

const pathKinds: Readonly<Record<string, RequestKind>> = {
	[routes.device_authorization]: 'deviceAuthorization',
	[routes.revocation]: 'revocation',
	[routes.introspection]: 'introspection',
	[routes.userinfo]: 'userinfo',
	[WHOAMI_PATH]: 'whoami',
};
