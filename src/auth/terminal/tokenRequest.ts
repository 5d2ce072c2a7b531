/** A terminal asks for a token: find provider and bucket, ask the person if need be, get the token, write it down. */
import { cancelled } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { fingerprint } from '../log.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import { type ConsentTarget, describeConsumer } from './consumer.ts';
import { type EditorSessions, editorProvider } from './editorSession.ts';
import type { Permission } from './grant.ts';
import type { FinalReply, TokenTerminalRequest } from './protocol.ts';
import {
	type Caller,
	findProvider,
	identifyCaller,
	providerOf,
	type RequestContext,
	stateOf,
} from './requestContext.ts';
import { type Connection, SERVER_LIMITS } from './server.ts';

/** A refresh over a bad network, and the wait for another window's. The refresh itself goes on after that. */
const TOKEN_LIMIT_MS = 30_000;

/** What the token is for if the helper does not say. */
const DEFAULT_USE = 'token';

/** Rejects with `AuthError`. */
export async function answerToken(
	context: RequestContext,
	request: TokenTerminalRequest,
	connection: Connection,
): Promise<FinalReply> {
	const { editorSessions } = context;
	const editor = providerOf(context.service, request.provider) === undefined && editorProvider(request.provider);
	if (editor && editorSessions) return answerFromEditor(context, editorSessions, editor, request, connection);

	const found = findProvider(context.service, request.provider);
	if (request.gitHost !== undefined && !(found.provider.gitHosts ?? []).includes(request.gitHost)) {
		return { kind: 'error', code: 'foreign_host' };
	}
	const choice = chooseBucket(found, request.bucket);
	if (choice.kind === 'problem') return { kind: 'error', code: choice.code };
	const signsIn = request.signIn === true && context.signIn !== undefined;
	// Nothing to give, so nothing to ask the person about.
	if (found.buckets.length === 0 && !signsIn) throw noAccount(found.provider.id);

	const caller = await identifyCaller(context, request);
	const bucketInForce = choice.bucket ?? found.buckets.find(({ id }) => id === found.inForce);
	const expiresAtMs = bucketInForce?.token?.expiresAtMs;
	const verdict = await permit(context, caller, found.provider, request, connection, expiresAtMs);
	if ('code' in verdict) return { kind: 'error', code: verdict.code };
	if (signsIn && needsSignIn(found, choice.bucket)) {
		connection.progress('signingIn');
		await context.signIn?.(found.provider.id, choice.bucket?.id, connection.signal);
	}
	const issued = await context.service.getToken({
		providerId: found.provider.id,
		deadlineMs: TOKEN_LIMIT_MS,
		signal: connection.signal,
		purpose: 'terminal',
		...(choice.bucket === undefined ? {} : { bucketId: choice.bucket.id }),
		...(request.minTtlS === undefined ? {} : { minTtlMs: request.minTtlS * 1000 }),
	});
	// A refresh takes its time, and the person may have changed their mind.
	if (!context.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	if (!verdict.holds()) return { kind: 'error', code: 'refused' };
	const { value } = issued.token;
	context.lastTokens.remember(caller.consumer, found.provider.id, value, {
		bucketId: issued.bucket.id,
		named: choice.bucket !== undefined,
	});
	noteGiven(context, caller, request, value, {
		bucketId: issued.bucket.id,
		...(issued.token.expiresAtMs === undefined ? {} : { expiresAtMs: issued.token.expiresAtMs }),
	});
	return {
		kind: 'token',
		accessToken: value,
		...(issued.token.expiresAtMs === undefined ? {} : { expiresAtMs: issued.token.expiresAtMs }),
		...(found.provider.environment === undefined ? {} : { environment: { ...found.provider.environment } }),
	};
}

async function answerFromEditor(
	context: RequestContext,
	sessions: EditorSessions,
	target: ConsentTarget,
	request: TokenTerminalRequest,
	connection: Connection,
): Promise<FinalReply> {
	if (request.gitHost !== undefined) return { kind: 'error', code: 'foreign_host' };
	if (request.bucket !== undefined) return { kind: 'error', code: 'unknown_bucket' };
	const caller = await identifyCaller(context, request);
	const verdict = await permit(context, caller, target, request, connection, undefined);
	if ('code' in verdict) return { kind: 'error', code: verdict.code };
	const interactive = request.signIn === true;
	if (interactive) connection.progress('signingIn');
	const session = await sessions.getToken({
		providerId: target.id,
		scopes: request.scopes ?? [],
		interactive,
		signal: connection.signal,
		deadlineMs: interactive ? SERVER_LIMITS.handleMs : TOKEN_LIMIT_MS,
	});
	if (!context.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	if (!verdict.holds()) return { kind: 'error', code: 'refused' };
	noteGiven(context, caller, request, session.value, {});
	return { kind: 'token', accessToken: session.value };
}

async function permit(
	context: RequestContext,
	caller: Caller,
	target: ConsentTarget,
	request: TokenTerminalRequest,
	{ signal, progress, mayAsk }: Connection,
	expiresAtMs: number | undefined,
): Promise<Permission | { readonly code: string }> {
	// Nobody is asked for a helper that has given up.
	if (signal.aborted) throw cancelled(signal);
	const verdict = await context.access.authorize(caller.consumer, target, {
		signal,
		deadlineMs: SERVER_LIMITS.handleMs,
		...(mayAsk ? { onAsk: () => progress('asking') } : {}),
		details: {
			folder: caller.cwd,
			...(caller.program === undefined ? {} : { program: caller.program }),
			...(expiresAtMs === undefined ? {} : { expiresAtMs }),
		},
	});
	if (verdict.kind === 'allowed') return verdict.permission;
	if (verdict.kind === 'undecided') return { code: 'undecided' };
	context.audit.record({
		...auditOf(caller),
		providerId: target.id,
		use: request.use ?? DEFAULT_USE,
		outcome: 'refused',
	});
	return { code: verdict.code };
}

function noteGiven(
	context: RequestContext,
	caller: Caller,
	request: TokenTerminalRequest,
	token: string,
	facts: { readonly bucketId?: string; readonly expiresAtMs?: number },
): void {
	const use = request.use ?? DEFAULT_USE;
	context.log.info(
		`token ${fingerprint(token)} of ${request.provider} to ${describeConsumer(caller.consumer)} for ${use}`,
	);
	context.audit.record({ ...auditOf(caller), providerId: request.provider, use, outcome: 'given', ...facts });
}

/** The part of an audit entry that says who it was. */
export function auditOf({ consumer, program }: Caller) {
	return {
		consumer: consumer.kind,
		...(consumer.kind === 'terminal' ? { terminal: consumer.name.slice(0, 256), terminalPid: consumer.pid } : {}),
		...(program === undefined ? {} : { program }),
	};
}

type BucketChoice =
	| { readonly kind: 'bucket'; readonly bucket: BucketSnapshot | undefined }
	| { readonly kind: 'problem'; readonly code: 'unknown_bucket' | 'ambiguous_bucket' };

/** By id, else by name; without either the service takes the bucket in force. */
function chooseBucket(found: ProviderSnapshot, wanted: string | undefined): BucketChoice {
	if (wanted === undefined) return { kind: 'bucket', bucket: undefined };
	const byId = found.buckets.find(({ id }) => id === wanted);
	if (byId !== undefined) return { kind: 'bucket', bucket: byId };
	const [bucket, second] = found.buckets.filter(({ name }) => name === wanted);
	if (bucket === undefined) return { kind: 'problem', code: 'unknown_bucket' };
	return second === undefined ? { kind: 'bucket', bucket } : { kind: 'problem', code: 'ambiguous_bucket' };
}

function needsSignIn(found: ProviderSnapshot, bucket: BucketSnapshot | undefined): boolean {
	if (bucket !== undefined) return bucket.state.kind === 'needsSignIn' || bucket.state.kind === 'signedOut';
	return stateOf(found) !== 'signedIn';
}

function noAccount(providerId: string): AuthError {
	return new AuthError('no_account', 'no bucket to take a token from', { detail: { provider: providerId } });
}
