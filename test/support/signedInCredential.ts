/** A fresh credential of the demo service, by the code grant without a browser. */
import type { OAuthCredential } from '../../src/auth/credential.ts';
import { finishCodeGrant, startCodeGrant } from '../../src/auth/oauth/codeGrant.ts';
import type { OAuthDeps } from '../../src/auth/oauth/deps.ts';
import { resolveServer } from '../../src/auth/oauth/discovery.ts';
import { scopesToAsk } from '../../src/auth/oauth/scopes.ts';
import type { PersonId } from '../server/people.ts';
import type { Server } from '../server/server.ts';
import { oidcProvider } from './oauthFixtures.ts';
import { signInByHttp } from './signInByHttp.ts';

export async function signedInCredential(
	server: Pick<Server, 'issuer'>,
	deps: OAuthDeps,
	person: PersonId = 'ada',
): Promise<OAuthCredential> {
	const { signal } = new AbortController();
	const provider = oidcProvider(server.issuer);
	const metadata = await resolveServer(provider, deps, signal);
	const scopes = scopesToAsk(provider, metadata, ['openid', 'email', 'profile', 'api']);
	const request = await startCodeGrant(provider, metadata, scopes, 'http://127.0.0.1:50000/callback');
	const { redirectUrl } = await signInByHttp(request.url, person, { deliver: false });
	return finishCodeGrant(provider, metadata, request, new URL(redirectUrl).searchParams, deps, signal);
}
