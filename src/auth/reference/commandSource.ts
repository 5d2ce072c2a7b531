/**
 * Tokens from a command. However many ask, it runs once at a time in this window, and what it printed is kept as long as
 * the settings and the token's own end allow; in memory only.
 */
import { type Clock, cancelled, withDeadline } from '../clock.ts';
import { EXPIRY_SKEW_MS } from '../credential.ts';
import { AuthError, isAuthError } from '../errors.ts';
import { describeError, digest, fingerprint, type Logger } from '../log.ts';
import { commandEnvironment } from './commandEnvironment.ts';
import { commandFailure, programFailure, runFailure } from './commandFailure.ts';
import { parseCommandOutput } from './commandOutput.ts';
import type { CommandSpec } from './commandReference.ts';
import { type RunOutcome, runCommand } from './commandRun.ts';
import { findProgram } from './program.ts';
import { type Environment, searchFolders } from './searchPath.ts';
import { stderrExcerpt } from './stderrExcerpt.ts';

/** Of a short-lived token at most this share of its life is given up to the skew, or no token would ever be kept. */
const MAX_SKEW_SHARE = 0.25;
/** And who wants much life left makes the command run again at most when half of it is gone. */
const MAX_MIN_TTL_SHARE = 0.5;
/** A command that printed the refused token again has a cache of its own, and may ask its person at every run. */
const REPEAT_PAUSE_MS = 30_000;

export type ReferenceToken = {
	readonly token: string;
	/** SHA-256 in hex. */
	readonly digest: string;
	readonly obtainedAtMs: number;
	/** Absent if the command did not say. */
	readonly expiresAtMs?: number;
};

export type ReferenceRequest = {
	/** How long the caller waits before it gets `timeout`; the command goes on. */
	readonly deadlineMs: number;
	/** The caller wants nothing any more. The command is ended when that is true of all who asked. */
	readonly signal?: AbortSignal;
	/** Guaranteed remaining life in ms, if the command can give it. */
	readonly minTtlMs?: number;
	/** Digest of a token that was refused: what is kept is dropped if it is this one. */
	readonly refusedDigest?: string;
};

export type CommandSource = {
	/**
	 * A token, from memory or from the command. Rejects with `AuthError`: `configuration` (there is no such program, or it
	 * cannot be run without a shell), `transient` (it failed or took too long), `protocol` (it printed something else than
	 * a token), `unavailable` (it printed an expired token, or the refused one again), `timeout`, `cancelled`.
	 */
	get(request: ReferenceRequest): Promise<ReferenceToken>;
	/** What is kept and still good. Runs nothing. */
	peek(): ReferenceToken | undefined;
	/** Forgets the token and ends the command if it runs. */
	dispose(): void;
};

export type CommandSourceDeps = {
	readonly providerId: string;
	/** Entry and field of the settings that an error names; by default the field `command` of the provider. */
	readonly field?: string;
	readonly clock: Clock;
	readonly log: Logger;
	/** Working directory of the command. Never the workspace: programs read files of where they are. */
	readonly home: string;
	readonly env: Environment;
	readonly platform: NodeJS.Platform;
	/** Their programs are not found by name. */
	readonly workspaceFolders: () => readonly string[];
};

/** Kept under both clocks: the wall clock may be set back, the monotonic one may stand still while the machine sleeps. */
type Kept = {
	readonly token: ReferenceToken;
	readonly readAtMonotonicMs: number;
	/** The token that was refused before this run, if it came out again. */
	readonly repeated: boolean;
};

type Flight = {
	readonly result: Promise<Kept>;
	readonly stop: AbortController;
	/** Those who have not said that they want nothing any more. */
	wanted: number;
};

export function createCommandSource(spec: CommandSpec, deps: CommandSourceDeps): CommandSource {
	const { providerId, clock, log, platform } = deps;
	const place = { providerId, field: deps.field ?? `${providerId}.command` };
	const ending = new AbortController();
	let kept: Kept | undefined;
	let flight: Flight | undefined;
	/** Also when it is not kept any more: a failing command may well repeat it in what it says. */
	let lastToken: string | undefined;

	function isGood({ token, readAtMonotonicMs }: Kept, minTtlMs: number | undefined): boolean {
		const ageMs = Math.max(clock.monotonic() - readAtMonotonicMs, clock.now() - token.obtainedAtMs);
		if (ageMs >= spec.cacheMs) return false;
		if (token.expiresAtMs === undefined) return true;
		const lifeMs = token.expiresAtMs - token.obtainedAtMs;
		const neededMs = Math.max(
			Math.min(EXPIRY_SKEW_MS, lifeMs * MAX_SKEW_SHARE),
			Math.min(minTtlMs ?? 0, lifeMs * MAX_MIN_TTL_SHARE),
		);
		return lifeMs - ageMs > neededMs;
	}

	async function run(signal: AbortSignal, refusedDigest: string | undefined): Promise<Kept> {
		const folders = await searchFolders(deps.env, platform, deps.home, deps.workspaceFolders());
		const program = await findProgram(spec.command, folders, platform);
		if (program.kind !== 'found') throw programFailure(place, program.kind);
		const startedAtMs = clock.now();
		const startedAtMonotonicMs = clock.monotonic();
		const env = commandEnvironment(deps.env, spec.env ?? [], folders, platform);
		const { args, timeoutMs } = spec;
		const outcome = await runCommand(
			{ file: program.file, args, cwd: deps.home, env, timeoutMs, signal },
			clock,
			platform,
		);
		if (outcome.kind === 'aborted') throw cancelled(signal);
		const output =
			outcome.kind === 'exited' && outcome.code === 0 ? parseCommandOutput(outcome.stdout, startedAtMs) : undefined;
		if (output?.kind !== 'token') {
			said(outcome);
			throw output
				? commandFailure(providerId, 'protocol', `the command ${output.reason}`)
				: runFailure(place, outcome, timeoutMs);
		}
		lastToken = output.token;
		const token: ReferenceToken = {
			token: output.token,
			digest: digest(output.token),
			// From the start of the command: nothing is known of when in its time the token was made.
			obtainedAtMs: startedAtMs,
			...(output.expiresAtMs === undefined ? {} : { expiresAtMs: output.expiresAtMs }),
		};
		if (output.expiresAtMs !== undefined && output.expiresAtMs <= clock.now())
			throw commandFailure(providerId, 'unavailable', 'the command printed a token that has expired');
		const tookMs = Math.round(clock.monotonic() - startedAtMonotonicMs);
		log.debug(`reference: ${providerId}: the command printed token ${fingerprint(output.token)} in ${tookMs} ms`);
		return { token, readAtMonotonicMs: startedAtMonotonicMs, repeated: token.digest === refusedDigest };
	}

	/** At `debug`, so that it is in a log only after somebody asked for it. */
	function said(outcome: RunOutcome): void {
		const stdout = outcome.kind === 'exited' ? outcome.stdout : new Uint8Array();
		const excerpt = stderrExcerpt(outcome.stderr, stdout, lastToken === undefined ? [] : [lastToken]);
		if (excerpt !== '') log.debug(`reference: ${providerId}: the command said: ${excerpt}`);
	}

	function start(refusedDigest: string | undefined): Flight {
		const stop = new AbortController();
		const result = run(AbortSignal.any([stop.signal, ending.signal]), refusedDigest);
		const own: Flight = { result, stop, wanted: 0 };
		flight = own;
		const land = (): void => {
			if (flight === own) flight = undefined;
		};
		result.then(
			(read) => {
				land();
				if (!ending.signal.aborted) kept = read;
			},
			(error: unknown) => {
				land();
				log[isAuthError(error, 'cancelled') ? 'debug' : 'warn'](`reference: ${providerId}: ${describeError(error)}`);
			},
		);
		return own;
	}

	async function wait(joined: Flight, endMs: number, signal: AbortSignal | undefined): Promise<Kept> {
		joined.wanted++;
		const onAbort = (): void => {
			joined.wanted--;
			if (joined.wanted > 0) return;
			// Who asks from now on gets a run of its own.
			if (flight === joined) flight = undefined;
			joined.stop.abort(commandFailure(providerId, 'cancelled', 'nobody waits for the command any more'));
		};
		signal?.addEventListener('abort', onAbort, { once: true });
		try {
			return await withDeadline(clock, joined.result, endMs - clock.monotonic(), signal);
		} finally {
			signal?.removeEventListener('abort', onAbort);
		}
	}

	function refusedAgain(): AuthError {
		return commandFailure(providerId, 'unavailable', 'the command printed the refused token again');
	}

	return {
		async get(request) {
			const { refusedDigest, signal, minTtlMs } = request;
			const endMs = clock.monotonic() + request.deadlineMs;
			if (ending.signal.aborted) throw cancelled(ending.signal);
			if (signal?.aborted) throw cancelled(signal);
			if (kept !== undefined && kept.token.digest === refusedDigest) {
				if (kept.repeated && clock.monotonic() - kept.readAtMonotonicMs < REPEAT_PAUSE_MS) throw refusedAgain();
				kept = undefined;
			}
			if (kept !== undefined && isGood(kept, minTtlMs)) return kept.token;
			const under = flight;
			let read = await wait(under ?? start(refusedDigest), endMs, signal);
			// A run that began before the refusal may have read the old token.
			if (under !== undefined && read.token.digest === refusedDigest && !read.repeated) {
				if (kept === read) kept = undefined;
				read = await wait(flight ?? start(refusedDigest), endMs, signal);
			}
			if (read.token.digest === refusedDigest) throw refusedAgain();
			return read.token;
		},
		peek: () => (kept !== undefined && isGood(kept, undefined) ? kept.token : undefined),
		dispose() {
			lastToken = undefined;
			ending.abort(new AuthError('cancelled', 'the window ends'));
			kept = undefined;
		},
	};
}
