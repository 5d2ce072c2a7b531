/**
 * Judges a chaos round: what was acknowledged must hold, what was issued must not be lost, and what was used must not be
 * sent again, unless a mishap of the run excuses it. An excuse is always narrower than "something went wrong": it names the
 * window, the time, and what that window cannot have known.
 */
import type { RequestRecord } from '../server/oracle.ts';
import { people } from '../server/people.ts';
import type { Deed, History, Mishap } from './history.ts';
import type { Order, Result } from './orders.ts';

export type Violation = { readonly rule: Rule; readonly text: string };

export type Rule =
	/** A window ended by itself, or did not answer. */
	| 'crash'
	/** A failure that is no `AuthError`. */
	| 'untyped'
	/** A token that the service never issued, or that is another person's. */
	| 'foreign'
	/** A token that had ended when it was given. */
	| 'ended'
	/** A used refresh token was sent again, by who had to know better. */
	| 'resent'
	/** An account whose sign-in was acknowledged is not there. */
	| 'lostAccount'
	/** The grant lives, and nobody has what renews it. */
	| 'lostGrant'
	/** An account is there after its sign-out was acknowledged. */
	| 'zombie'
	/** An acknowledged name is not what it is called. */
	| 'lostName'
	/** Nothing is wrong any more, and the storage seems to be. */
	| 'notHealed';

/** Between the server's answer and its place on the disk, on a busy machine. */
const STORING_MS = 3_000;
/** A holder writes, waiters read: a token may be as old as its life and a little. */
const HANDING_OVER_MS = 500;

type Kind = Order['kind'];
type DeedOf<K extends Kind> = Deed & { readonly order: Extract<Order, { readonly kind: K }> };
type ResultOf<K extends Result['kind']> = Extract<Result, { readonly kind: K }>;

export function check(history: History): Violation[] {
	const violations: Violation[] = [];
	const found = (rule: Rule, text: string): void => void violations.push({ rule, text });
	for (const crash of history.crashes) found('crash', crash);
	checkAnswers(history, found);
	checkSendings(history, found);
	checkEnd(history, found);
	return violations;
}

type Found = (rule: Rule, text: string) => void;

function deedsOf<K extends Kind>({ deeds }: History, kind: K): DeedOf<K>[] {
	return deeds.filter((deed): deed is DeedOf<K> => deed.order.kind === kind);
}

function resultOf<K extends Result['kind']>(deed: Deed, kind: K): ResultOf<K> | undefined {
	const result = deed.end?.result;
	return result?.kind === kind ? (result as ResultOf<K>) : undefined;
}

function mishapsOf({ mishaps }: History, kind: Mishap['kind']): Mishap[] {
	return mishaps.filter((mishap) => mishap.kind === kind);
}

function killOf(history: History, window: string | undefined): number {
	return mishapsOf(history, 'kill').find((kill) => kill.window === window)?.fromMs ?? Number.POSITIVE_INFINITY;
}

function wasStopped(history: History, window: string, fromMs: number, toMs: number): boolean {
	return mishapsOf(history, 'stop').some(
		(stop) => stop.window === window && stop.fromMs <= toMs && stop.toMs >= fromMs,
	);
}

/** The request at which the service issued this access token. */
function issueOf(history: History, accessTokenDigest: string): RequestRecord | undefined {
	return history.requests.find((request) => request.issuedAccessTokenDigest === accessTokenDigest);
}

function windowOf(request: RequestRecord): string {
	return request.requestHeaders['x-window'] ?? '';
}

/** Whose bucket it is, as any window saw it. */
function subjectsOf(history: History): Map<string, string> {
	const subjects = new Map<string, string>();
	for (const deed of history.deeds) {
		const signedIn = resultOf(deed, 'signedIn');
		if (signedIn?.subject !== undefined) subjects.set(signedIn.bucketId, signedIn.subject);
		for (const { bucketId, subject } of resultOf(deed, 'list')?.buckets ?? [])
			if (subject !== undefined) subjects.set(bucketId, subject);
	}
	return subjects;
}

function checkAnswers(history: History, found: Found): void {
	const subjects = subjectsOf(history);
	const isKey = new Set(deedsOf(history, 'addKey').flatMap((deed) => resultOf(deed, 'signedIn')?.bucketId ?? []));
	for (const deed of history.deeds) {
		const failed = resultOf(deed, 'failed');
		if (failed !== undefined && !/^[a-z_]+$/.test(failed.code))
			found('untyped', `${deed.order.kind} in ${deed.window}: ${failed.code}`);
		const token = resultOf(deed, 'token');
		if (token === undefined || isKey.has(token.bucketId)) continue;
		const issue = issueOf(history, token.digest);
		const subject = subjects.get(token.bucketId);
		if (issue === undefined) {
			// An API key that nobody could tell of: its window died before it answered.
			if (subject !== undefined) found('foreign', `${deed.window} gave a token that was never issued`);
			continue;
		}
		const owner = issue.person === undefined ? undefined : people[issue.person].sub;
		if (owner !== undefined && subject !== undefined && owner !== subject)
			found('foreign', `${deed.window} gave a token of ${owner} for the account of ${subject}`);
		const atMs = deed.end?.atMs ?? 0;
		const ageMs = atMs - (issue.doneAtMs ?? issue.atMs);
		if (ageMs > history.accessTokenLifeMs + HANDING_OVER_MS && !wasStopped(history, deed.window, deed.fromMs, atMs))
			found('ended', `${deed.window} gave a token ${ageMs} ms after it was issued`);
	}
}

/** Whether the window can have known, before it sent, that a later token of this grant exists. */
function knewLater(history: History, window: string, grantId: string | undefined, used: RequestRecord, atMs: number) {
	return history.deeds.some((deed) => {
		const token = resultOf(deed, 'token');
		if (token === undefined || deed.window !== window || (deed.end?.atMs ?? atMs) >= atMs) return false;
		const issue = issueOf(history, token.digest);
		return issue !== undefined && issue.grantId === grantId && issue.atMs >= used.atMs;
	});
}

/** A window that went away, or an answer that did, between the first sending and the next. */
function isExcused(history: History, first: RequestRecord, again: RequestRecord): boolean {
	const answered = first.status === 200 && first.delivered !== false;
	if (!answered) return true;
	const killedAtMs = killOf(history, windowOf(first));
	const doneAtMs = first.doneAtMs ?? first.atMs;
	if (killedAtMs <= doneAtMs + STORING_MS && killedAtMs <= again.atMs) return true;
	// What found no place on the disk went with its window.
	const noPlace = history.mishaps.some(
		({ kind, fromMs, toMs }) =>
			(kind === 'full' || kind === 'readOnly') && fromMs <= doneAtMs + STORING_MS && toMs >= doneAtMs - STORING_MS,
	);
	if (noPlace && killedAtMs <= again.atMs) return true;
	return mishapsOf(history, 'restore').some(({ fromMs }) => fromMs >= first.atMs && fromMs <= again.atMs);
}

function checkSendings(history: History, found: Found): void {
	const byToken = new Map<string, RequestRecord[]>();
	for (const request of history.requests) {
		if (request.kind !== 'refresh' || request.refreshTokenDigest === undefined) continue;
		byToken.set(request.refreshTokenDigest, [...(byToken.get(request.refreshTokenDigest) ?? []), request]);
	}
	for (const requests of byToken.values()) {
		const used = requests.find(({ processed, issuedAccessTokenDigest }) => processed && issuedAccessTokenDigest);
		if (used === undefined) continue;
		for (const again of requests.slice(requests.indexOf(used) + 1)) {
			const before = requests
				.slice(0, requests.indexOf(again))
				.filter(({ issuedAccessTokenDigest }) => issuedAccessTokenDigest);
			const last = before.at(-1) ?? used;
			const window = windowOf(again);
			if (windowOf(last) === window && last.status === 200 && last.delivered !== false)
				found('resent', `${window} sent a refresh token again that it had an answer for`);
			else if (knewLater(history, window, used.grantId, used, again.atMs))
				found('resent', `${window} sent a refresh token although it had given a later token of that grant`);
			else if (!isExcused(history, last, again))
				found('resent', `${window} sent a refresh token that ${windowOf(last)} had used, and nothing excuses it`);
		}
	}
}

function checkEnd(history: History, found: Found): void {
	const { final } = history;
	if (final === undefined) return;
	if (final.problem !== undefined) found('notHealed', `the storage as a whole: ${final.problem}`);
	const restores = mishapsOf(history, 'restore');
	const restoredAfter = (atMs: number): boolean => restores.some(({ toMs }) => toMs >= atMs);
	const present = new Map(final.buckets.map((bucket) => [bucket.bucketId, bucket]));
	const leavings = deedsOf(history, 'signOut');

	for (const deed of history.deeds) {
		const signedIn = resultOf(deed, 'signedIn');
		const atMs = deed.end?.atMs ?? 0;
		if (signedIn === undefined || present.has(signedIn.bucketId) || restoredAfter(deed.fromMs)) continue;
		const left = leavings.some(
			({ order, fromMs, end }) => order.bucketId === signedIn.bucketId && (end?.atMs ?? fromMs) >= deed.fromMs,
		);
		if (!left) found('lostAccount', `${signedIn.bucketId}, signed in by ${deed.window} ${Date.now() - atMs} ms ago`);
	}
	for (const { order, end, window, fromMs } of leavings) {
		if (end?.result.kind === 'done' && present.has(order.bucketId) && !restoredAfter(fromMs))
			found('zombie', `${order.bucketId}, signed out by ${window}`);
	}
	checkNames(history, found);
	for (const bucket of final.buckets) {
		if (bucket.account !== 'oauth') continue;
		if (bucket.state === 'storageFailed' || bucket.state === 'damaged' || bucket.state.startsWith('key'))
			found('notHealed', `${bucket.bucketId}: ${bucket.state}`);
		const token = final.tokens.get(bucket.bucketId);
		if (token?.kind === 'token' || restores.length > 0) continue;
		const why = token?.kind === 'failed' ? token.code : 'no answer';
		const person = Object.values(people).find(({ sub }) => sub === bucket.subject)?.id;
		// The newest grant is the one that the account has: an older one was replaced by it.
		const newest = history.requests
			.filter((request) => request.person === person && request.issuedRefreshTokenDigest)
			.at(-1);
		if (newest?.grantId === undefined || !history.grantsAlive.includes(newest.grantId)) continue;
		const killedAtMs = killOf(history, windowOf(newest));
		const doneAtMs = newest.doneAtMs ?? newest.atMs;
		const stored = newest.status === 200 && newest.delivered !== false && killedAtMs > doneAtMs + STORING_MS;
		// A code that was redeemed is stored only once the person's account is known.
		const completed =
			newest.kind !== 'code' ||
			history.deeds.some(
				(deed) =>
					resultOf(deed, 'signedIn')?.bucketId === bucket.bucketId &&
					deed.fromMs <= newest.atMs &&
					(deed.end?.atMs ?? 0) >= newest.atMs,
			);
		if (stored && completed)
			found('lostGrant', `${bucket.bucketId}: ${why}, though ${windowOf(newest)} was given what renews it`);
	}
}

/** The last name that was acknowledged and that no other order about it came near. */
function checkNames(history: History, found: Found): void {
	const renames = deedsOf(history, 'rename');
	const restored = mishapsOf(history, 'restore').length > 0;
	for (const { bucketId, name } of history.final?.buckets ?? []) {
		const about = renames.filter(({ order }) => order.bucketId === bucketId);
		const last = about.at(-1);
		if (last?.end?.result.kind !== 'done' || restored) continue;
		const alone = about.every((deed) => deed === last || (deed.end !== undefined && deed.end.atMs < last.fromMs));
		if (alone && name !== last.order.name) found('lostName', `${bucketId} is called ${name}, not ${last.order.name}`);
	}
}
