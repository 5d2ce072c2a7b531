/** The redirect address of sign-ins on this machine (RFC 8252 section 7.3). */
import type { OAuthClient } from '../provider.ts';

/** Never `localhost`, which may resolve to somebody else (RFC 8252 section 8.3). */
export const REDIRECT_HOST = '127.0.0.1';

/** As registered at the service. One of its own per service keeps their answers apart (RFC 9700 section 4.4.2.2). */
export function redirectPathOf({ redirectPath }: Pick<OAuthClient, 'redirectPath'>): string {
	return redirectPath ?? '/callback';
}

export function redirectUriOf(client: Pick<OAuthClient, 'redirectPath'>, port: number): string {
	return `http://${REDIRECT_HOST}:${port}${redirectPathOf(client)}`;
}
