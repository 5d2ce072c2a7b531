/** What a window does with a request of a terminal: find provider and bucket, ask the person if need be, get the token. */
import { type Clock, cancelled, withDeadline } from '../clock.ts';
import { AuthError } from '../errors.ts';
import { fingerprint, type Logger } from '../log.ts';
import type { AuthService } from '../service.ts';
import type { BucketSnapshot, ProviderSnapshot } from '../snapshot.ts';
import { type Access, describeConsumer } from './access.ts';
import type { FinalReply, PROVIDER_STATES, TerminalRequest, TokenTerminalRequest } from './protocol.ts';
import { type Connection, SERVER_LIMITS } from './server.ts';

/** Reading state and vault for the first time takes milliseconds; a secret store that hangs takes for ever. */
const LOAD_LIMIT_MS = 10_000;

/** A refresh over a bad network, and the wait for another window's. The refresh itself goes on after that. */
const TOKEN_LIMIT_MS = 30_000;

export type TerminalService = Pick<AuthService, 'snapshot' | 'loaded' | 'getToken'>;

/** Signs in into a new bucket, or again into the one given. */
export type TerminalSignIn = (providerId: string, bucketId: string | undefined, signal: AbortSignal) => Promise<void>;

export type RequestHandlerOptions = {
	readonly service: TerminalService;
	readonly access: Access;
	readonly isTrusted: () => boolean;
	/** Signs in in the window; absent means that terminals cannot ask for it. Rejects with `AuthError`. */
	readonly signIn?: TerminalSignIn;
	readonly clock: Clock;
	readonly log: Logger;
};

/** Rejects with `AuthError`. */
export async function handleRequest(
	options: RequestHandlerOptions,
	request: TerminalRequest,
	connection: Connection,
): Promise<FinalReply> {
	if (request.kind === 'ping') return { kind: 'pong', pid: process.pid };
	if (!options.isTrusted()) throw new AuthError('untrusted', 'the workspace is not trusted');
	await withDeadline(options.clock, options.service.loaded, LOAD_LIMIT_MS, connection.signal);
	if (request.kind === 'providers') return { kind: 'providers', providers: listProviders(options.service) };
	return token(options, request, connection);
}

async function token(
	options: RequestHandlerOptions,
	request: TokenTerminalRequest,
	{ signal, progress }: Connection,
): Promise<FinalReply> {
	const { access, service, log } = options;
	const found = findProvider(service, request.provider);
	const choice = chooseBucket(found, request.bucket);
	if (choice.kind === 'problem') return { kind: 'error', code: choice.code };
	const signsIn = request.signIn === true && options.signIn !== undefined;
	// Nothing to give, so nothing to ask the person about.
	if (found.buckets.length === 0 && !signsIn) throw noAccount(found.provider.id);

	const consumer = await access.identify(request.ancestors);
	// Nobody is asked for a helper that has given up.
	if (signal.aborted) throw cancelled(signal);
	await access.authorize(consumer, found.provider, {
		signal,
		deadlineMs: SERVER_LIMITS.handleMs,
		onAsk: () => progress('asking'),
	});
	if (signsIn && needsSignIn(found, choice.bucket)) {
		progress('signingIn');
		await options.signIn?.(found.provider.id, choice.bucket?.id, signal);
	}
	const issued = await service.getToken({
		providerId: found.provider.id,
		deadlineMs: TOKEN_LIMIT_MS,
		signal,
		purpose: 'terminal',
		...(choice.bucket === undefined ? {} : { bucketId: choice.bucket.id }),
		...(request.minTtlS === undefined ? {} : { minTtlMs: request.minTtlS * 1000 }),
	});
	log.info(`token ${fingerprint(issued.token.value)} of ${found.provider.id} to ${describeConsumer(consumer)}`);
	const { expiresAtMs } = issued.token;
	return { kind: 'token', accessToken: issued.token.value, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}

function findProvider(service: TerminalService, id: string): ProviderSnapshot {
	const found = service.snapshot().providers.find(({ provider }) => provider.id === id);
	if (found === undefined) throw new AuthError('unknown_provider', 'no such provider');
	return found;
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

function listProviders(service: TerminalService) {
	return service.snapshot().providers.map((found) => {
		const { id, label } = found.provider;
		return { id, label, state: stateOf(found) };
	});
}

/** Signed in as long as one bucket may give a token; accounts are not told to terminals. */
function stateOf({ buckets }: ProviderSnapshot): (typeof PROVIDER_STATES)[number] {
	const present = buckets.filter(({ state }) => state.kind !== 'signedOut');
	if (present.length === 0) return 'signedOut';
	return present.every(({ state }) => state.kind === 'needsSignIn') ? 'needsSignIn' : 'signedIn';
}

function noAccount(providerId: string): AuthError {
	return new AuthError('no_account', 'no bucket to take a token from', { detail: { provider: providerId } });
}
