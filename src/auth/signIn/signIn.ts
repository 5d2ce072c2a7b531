/**
 * One sign-in, from the choice of a flow to a credential in memory. It stores nothing: a cancelled or late sign-in
 * leaves no trace here. Tokens of an account that is turned down are left to expire, because revoking them may end the
 * same account's session in another bucket at services that share one grant.
 */
import type { AuthorizationServer } from 'oauth4webapi';
import { abortable, cancelled } from '../clock.ts';
import type { Identity, OAuthCredential } from '../credential.ts';
import { AuthError } from '../errors.ts';
import { isSamePerson } from '../identityGate.ts';
import { describeError } from '../log.ts';
import type { OAuthDeps } from '../oauth/deps.ts';
import { resolveServer } from '../oauth/discovery.ts';
import { withinRequest } from '../oauth/failures.ts';
import { scopesToAsk } from '../oauth/scopes.ts';
import type { OAuthProvider } from '../provider.ts';

import type { AttemptResult, Flow } from './attempt.ts';
import { deviceFlow } from './deviceFlow.ts';
import type { FlowSetting } from './flows.ts';
import { orderFlows } from './flows.ts';
import { loopbackFlow, pageOfFailure } from './loopbackFlow.ts';
import { pasteFlow } from './pasteFlow.ts';
import { createSwitchboard } from './switchboard.ts';
import type { FlowKind, SignInSession } from './ui.ts';

const FLOWS: Readonly<Record<FlowKind, Flow>> = { loopback: loopbackFlow, device: deviceFlow, paste: pasteFlow };

export type SignInOptions = {
	readonly provider: OAuthProvider;
	/** Asked for; empty means those of the settings. */
	readonly scopes: readonly string[];
	readonly flow: FlowSetting;
	/** The browser that opens reaches 127.0.0.1 of this extension host. */
	readonly browserOnThisMachine: boolean;
	/** The account that is signed in again; another one is asked about. */
	readonly expected?: { readonly label: string; readonly identity: Identity };
	readonly session: SignInSession;
	readonly deps: OAuthDeps;
	/** For the whole sign-in, people included. */
	readonly deadlineMs: number;
	/** Keeps the credential. Awaited before the browser is told of success; never interrupted once it was called. */
	readonly store?: (credential: OAuthCredential) => Promise<void>;
};

/**
 * @throws AuthError `cancelled`, `timeout` (the deadline, or the device code expired), `denied`, `transient`,
 * `protocol`, `configuration`, `identity` (another account, turned down), and what `store` throws.
 */
export async function runSignIn(options: SignInOptions): Promise<OAuthCredential> {
	const { provider, session, deps } = options;
	const deadline = new AbortController();
	const timer = deps.clock.schedule(options.deadlineMs, () =>
		deadline.abort(
			new AuthError('timeout', `no sign-in within ${options.deadlineMs} ms`, { detail: { provider: provider.id } }),
		),
	);
	const person = new AbortController();
	let storing = false;
	const signal = AbortSignal.any([session.signal, deadline.signal, person.signal]);
	const switchboard = createSwitchboard(session, deps.log, () =>
		person.abort(new AuthError('cancelled', 'cancelled by the person')),
	);
	try {
		session.report({ kind: 'discovering' });
		const server = await withinRequest(deps.clock, signal, provider.id, (request) =>
			resolveServer(provider, deps, request),
		);
		const result = await attempts(options, server, signal, switchboard);
		return await settle(options, result, signal, () => {
			storing = true;
			timer.dispose();
		});
	} catch (error) {
		throw signal.aborted && !storing ? cancelled(signal) : error;
	} finally {
		timer.dispose();
		switchboard.dispose();
	}
}

/** Runs flows until one ends by itself; each has fresh values of its own. */
async function attempts(
	options: SignInOptions,
	server: AuthorizationServer,
	signal: AbortSignal,
	switchboard: ReturnType<typeof createSwitchboard>,
): Promise<AttemptResult> {
	const { provider, session, deps } = options;
	const flows = orderFlows(options.flow, {
		authorizationEndpoint: server.authorization_endpoint !== undefined,
		deviceEndpoint: server.device_authorization_endpoint !== undefined,
		browserOnThisMachine: options.browserOnThisMachine,
	});
	let current = flows[0];
	while (current !== undefined) {
		const turn = switchboard.begin(current, flows);
		try {
			deps.log.info(`${provider.id}: sign-in by ${current}`);
			return await FLOWS[current]({
				provider,
				server,
				scopes: scopesToAsk(provider, server, options.scopes),
				deps,
				signal: AbortSignal.any([signal, turn.signal]),
				askForRedirectUrl: session.askForRedirectUrl,
				report: session.report,
				openBrowser: turn.openBrowser,
				exchanging: turn.exchanging,
				picking: turn.picking,
			});
		} catch (error) {
			const next = turn.next();
			if (next === undefined || signal.aborted) throw error;
			deps.log.info(`${provider.id}: another way was chosen: ${describeError(error)}`);
			current = next;
		} finally {
			turn.end();
		}
	}
	throw new AuthError('configuration', 'the service offers no way to sign in that works here', {
		detail: { provider: provider.id },
	});
}

async function settle(
	options: SignInOptions,
	result: AttemptResult,
	signal: AbortSignal,
	onStore: () => void,
): Promise<OAuthCredential> {
	const { provider, expected, session } = options;
	const { credential, tell } = result;
	const service = provider.label;
	const account = credential.identity.email ?? credential.identity.name ?? credential.identity.subject;
	try {
		if (expected !== undefined && !isSamePerson(expected.identity, credential.identity)) {
			await tell({ kind: 'confirm', service, ...(account && { account }) });
			const use = await abortable(session.confirmOtherAccount(expected.label, credential.identity), signal);
			if (!use) {
				throw new AuthError('identity', 'another account came back', { detail: { provider: provider.id } });
			}
		}
		if (signal.aborted) throw cancelled(signal);
		onStore();
		await options.store?.(credential);
		await tell({ kind: 'signedIn', service, ...(account && { account }) });
		return credential;
	} catch (error) {
		await tell(pageOfFailure(error, service));
		throw error;
	}
}
