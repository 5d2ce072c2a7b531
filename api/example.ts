/**
 * A complete request loop for a service whose sign-in Agent Auth owns. Copy what you need: there is no runtime to install.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';
import type { Advice, Report } from './agentAuth.d.ts';

/** A refused token, an exhausted account and a short wait fit in. Agent Auth never offers an account twice for one request. */
const MOST_ATTEMPTS = 6;

/** Longer than this a person does not sit and wait: tell them when to come back. */
const LONGEST_WAIT_MS = 20_000;

/** The end of the road for one request, with what to tell the person. */
export class RequestFailed extends Error {
	readonly advice: Advice;
	readonly status: number;

	constructor(status: number, advice: Advice) {
		super(`status ${status}: ${advice.kind}`);
		this.name = 'RequestFailed';
		this.advice = advice;
		this.status = status;
	}
}

export type AuthorizedRequest = {
	/** As in `agentAuth.providers`. */
	readonly provider: string;
	readonly scopes: readonly string[];
	readonly url: string;
	/** Sent again as it is, so its body must be one that can be: text or bytes, no stream. */
	readonly init?: RequestInit;
	/** Only this account, and no other one's token. */
	readonly account?: vscode.AuthenticationSessionAccountInformation;
	readonly signal?: AbortSignal;
};

/**
 * Sends the request until it is answered with something else than a failure of the token. Rejects with {@link RequestFailed},
 * or with the error of `getSession`, whose message is for the person, if there is no token to be had now.
 */
export async function sendAuthorized(request: AuthorizedRequest): Promise<Response> {
	const { provider } = request;
	const named = request.account !== undefined;
	const requestKey = randomUUID();
	for (let attempt = 1; ; attempt++) {
		const session = await getSession(request);
		const tokenDigest = createHash('sha256').update(session.accessToken).digest('hex');
		const headers = new Headers(request.init?.headers);
		headers.set('authorization', `Bearer ${session.accessToken}`);
		const response = await fetch(request.url, { ...request.init, headers, signal: request.signal ?? null });
		if (response.ok) {
			reportSuccess({ provider, tokenDigest, status: response.status, named });
			return response;
		}
		// Only failures are read here, and only their beginning: a body can be endless.
		const advice = await report({
			provider,
			tokenDigest,
			status: response.status,
			headers: Object.fromEntries(response.headers),
			body: await beginningOf(response),
			named,
			requestKey,
		});
		if (attempt === MOST_ATTEMPTS || !(await mayTryAgain(advice, request.signal)))
			throw new RequestFailed(response.status, advice);
	}
}

/** Silent: a token that is being renewed needs no person. Only who has never signed in sees the sign-in. */
async function getSession({ provider, scopes, account }: AuthorizedRequest): Promise<vscode.AuthenticationSession> {
	return vscode.authentication.getSession(`agent-auth.${provider}`, scopes, {
		createIfNone: true,
		...(account === undefined ? {} : { account }),
	});
}

/** Through the command, which also reaches Agent Auth in another extension host. */
async function report(what: Report): Promise<Advice> {
	const advice = await vscode.commands.executeCommand<Advice | undefined>('agentAuth.report', what);
	return advice ?? { kind: 'ignored' };
}

/** The token of each provider that worked last. */
const lastGood = new Map<string, string>();

/** Another token than the last time may be that of an account that is back: then the other windows come back to it too. */
function reportSuccess(what: Report): void {
	if (lastGood.get(what.provider) === what.tokenDigest) return;
	lastGood.set(what.provider, what.tokenDigest);
	// The request has its answer; whether this report arrives changes nothing about that.
	report(what).catch(() => lastGood.delete(what.provider));
}

async function mayTryAgain(advice: Advice, signal: AbortSignal | undefined): Promise<boolean> {
	switch (advice.kind) {
		case 'retry':
		case 'retryWithNewToken':
			return true;
		case 'wait': {
			const waitMs = (advice.untilMs ?? Number.POSITIVE_INFINITY) - Date.now();
			if (waitMs > LONGEST_WAIT_MS) return false;
			await sleep(Math.max(0, waitMs), undefined, signal && { signal });
			return true;
		}
		default:
			return false;
	}
}

const BODY_LIMIT = 16 * 1024;

async function beginningOf(response: Response): Promise<string> {
	const reader = response.body?.getReader();
	if (reader === undefined) return '';
	const decoder = new TextDecoder();
	let text = '';
	while (text.length < BODY_LIMIT) {
		const { done, value } = await reader.read();
		if (done) return text;
		text += decoder.decode(value, { stream: true });
	}
	await reader.cancel();
	return text.slice(0, BODY_LIMIT);
}
