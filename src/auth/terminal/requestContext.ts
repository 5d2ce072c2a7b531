/** What every request of a terminal is answered with: the parts of the window, and who the caller is. */
import type { Clock } from '../clock.ts';
import { AuthError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { AuthService } from '../service.ts';
import type { ProviderSnapshot } from '../snapshot.ts';
import type { Access } from './access.ts';
import type { AuditLog } from './audit.ts';
import type { ConsentTarget, Consumer } from './consumer.ts';
import type { EditorSessions } from './editorSession.ts';
import type { LastTokens } from './lastTokens.ts';
import type { PROVIDER_STATES } from './protocol.ts';

export type TerminalService = Pick<AuthService, 'snapshot' | 'loaded' | 'getToken' | 'report' | 'addApiKey'>;

/** Signs in into a new bucket, or again into the one given. */
export type TerminalSignIn = (providerId: string, bucketId: string | undefined, signal: AbortSignal) => Promise<void>;

/** Asks the person whether a key that a terminal sends may become an account. */
export type ConfirmKey = (question: {
	readonly consumer: Consumer;
	readonly target: ConsentTarget;
	readonly name: string;
	readonly program?: string;
}) => Promise<boolean>;

export type RequestContext = {
	readonly service: TerminalService;
	readonly access: Access;
	readonly audit: Pick<AuditLog, 'record'>;
	readonly lastTokens: LastTokens;
	readonly isTrusted: () => boolean;
	/** Signs in in the window; absent means that terminals cannot ask for it. Rejects with `AuthError`. */
	readonly signIn?: TerminalSignIn;
	/** Absent means that terminals cannot add keys. */
	readonly confirmKey?: ConfirmKey;
	/** Absent where the editor's own sessions are not to be had. */
	readonly editorSessions?: EditorSessions;
	readonly programName: (pid: number) => Promise<string | undefined>;
	/** The process itself, its parent and so on. */
	readonly ancestorsOf: (pid: number) => Promise<number[]>;
	/** Of the extension, for `status`. */
	readonly version: string;
	readonly clock: Clock;
	readonly log: Logger;
};

/** Who asks, as the person is told and the audit keeps it. */
export type Caller = { readonly consumer: Consumer; readonly program?: string; readonly cwd: string };

export async function identifyCaller(
	context: Pick<RequestContext, 'access' | 'programName'>,
	request: { readonly ancestors: readonly number[]; readonly cwd: string },
): Promise<Caller> {
	const consumer = await context.access.identify(request.ancestors);
	const pid = programPid(consumer, request.ancestors);
	const program = pid === undefined ? undefined : await context.programName(pid);
	return { consumer, cwd: request.cwd, ...(program === undefined ? {} : { program }) };
}

/**
 * The program that the person started in the terminal: the child of its shell, and for a line typed into the shell the
 * shell itself. Outside it is what called the helper. `ancestors` begins with the helper.
 */
function programPid(consumer: Consumer, ancestors: readonly number[]): number | undefined {
	if (consumer.kind === 'outside') return ancestors[1] ?? ancestors[0];
	const shell = ancestors.indexOf(consumer.pid);
	return shell >= 2 ? ancestors[shell - 1] : consumer.pid;
}

/** @throws AuthError `unknown_provider` */
export function findProvider(service: Pick<TerminalService, 'snapshot'>, id: string): ProviderSnapshot {
	const found = providerOf(service, id);
	if (found === undefined) throw new AuthError('unknown_provider', 'no such provider');
	return found;
}

export function providerOf(service: Pick<TerminalService, 'snapshot'>, id: string): ProviderSnapshot | undefined {
	return service.snapshot().providers.find(({ provider }) => provider.id === id);
}

/** Signed in as long as one bucket may give a token. */
export function stateOf({ buckets }: ProviderSnapshot): (typeof PROVIDER_STATES)[number] {
	const present = buckets.filter(({ state }) => state.kind !== 'signedOut');
	if (present.length === 0) return 'signedOut';
	return present.every(({ state }) => state.kind === 'needsSignIn') ? 'needsSignIn' : 'signedIn';
}
