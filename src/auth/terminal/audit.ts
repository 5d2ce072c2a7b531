/**
 * Who got which provider's token when: terminal, program and use, never a value. The latest are kept in memory for the
 * view, and in one file per day that all windows append to, so that none of them overwrites what another one wrote.
 * Bounded by number, by age and by the size of a day.
 */
import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';
import { createEmitter, type Disposable, type Event } from '../event.ts';
import { describeError, type Logger } from '../log.ts';
import { requirePrivateFolder } from '../privateFolder.ts';
import { hasCode } from './atomicFile.ts';
import { parseJson } from './protocol.ts';

export const MAX_ENTRIES = 500;
export const MAX_AGE_MS = 30 * 24 * 60 * 60_000;

/** Some thousand entries. A day with more has told what it had to tell. */
const MAX_DAY_BYTES = 512 * 1024;

/** Agents ask every few seconds; uses of the same kind within this time are one entry with a count. */
export const MERGE_MS = 60_000;

const DAY_FILE = /^\d{4}-\d{2}-\d{2}\.jsonl$/;

const text = v.pipe(v.string(), v.maxLength(256));

const entrySchema = v.object({
	atMs: v.pipe(v.number(), v.finite()),
	/** When it was given last; the same as `atMs` for a single use. */
	lastAtMs: v.pipe(v.number(), v.finite()),
	count: v.pipe(v.number(), v.integer(), v.minValue(1)),
	consumer: v.picklist(['terminal', 'outside']),
	/** Name of the terminal as it was then. */
	terminal: v.exactOptional(text),
	terminalPid: v.exactOptional(v.pipe(v.number(), v.integer())),
	/** Its own claim. */
	program: v.exactOptional(text),
	providerId: text,
	bucketId: v.exactOptional(text),
	/** `token`, `exec`, `git`, …: an open set. */
	use: text,
	/** When the token that was given ends. */
	expiresAtMs: v.exactOptional(v.pipe(v.number(), v.finite())),
	outcome: v.picklist(['given', 'refused', 'keyAdded']),
});

export type AuditEntry = v.InferOutput<typeof entrySchema>;
export type AuditedUse = Omit<AuditEntry, 'atMs' | 'lastAtMs' | 'count'>;

/** What a view of it needs. */
export type AccessAudit = {
	/** Newest first, at most {@link MAX_ENTRIES}. */
	entries(): readonly AuditEntry[];
	readonly onDidChange: Event<readonly AuditEntry[]>;
	/** Reads what other windows wrote in the meantime, and forgets what was removed from the disk. */
	refresh(): Promise<void>;
};

export type AuditLog = AccessAudit & Disposable & { record(use: AuditedUse): void };

export type AuditOptions = { readonly folder: string; readonly clock: Clock; readonly log: Logger };

/** Never rejects and never throws: a token is not withheld because it cannot be written down. */
export function createAuditLog({ folder, clock, log }: AuditOptions): AuditLog {
	const changes = createEmitter<readonly AuditEntry[]>((error) => log.error(`audit listener: ${describeError(error)}`));
	/** Newest first: what this window saw, and what was read from the disk. */
	let own: readonly AuditEntry[] = [];
	let others: readonly AuditEntry[] = [];
	/** Entries that may still grow, with what of their count is on the disk already. */
	const open = new Map<string, { entry: AuditEntry; written: number; readonly timer: Disposable }>();
	/** Entries of this window that came to the disk, by identity. */
	const written = new Set<string>();
	let writing: Promise<void> = Promise.resolve();

	const warn = (error: unknown): void => log.warn(`audit: ${describeError(error)}`);
	const entries = (): readonly AuditEntry[] => {
		const oldestMs = clock.now() - MAX_AGE_MS;
		return [...own, ...others]
			.filter(({ lastAtMs }) => lastAtMs >= oldestMs)
			.sort((a, b) => b.lastAtMs - a.lastAtMs)
			.slice(0, MAX_ENTRIES);
	};
	/** @param first the entry that this one adds to: gone from the disk it was removed, and stays removed. */
	const write = (entry: AuditEntry, first?: AuditEntry): void => {
		writing = writing
			.then(async () => {
				if (first !== undefined && !(await isKept(folder, first))) return;
				await append(folder, entry);
				written.add(identityOf(entry, entry.atMs));
			})
			.catch(warn);
	};
	const close = (key: string): void => {
		const found = open.get(key);
		open.delete(key);
		found?.timer.dispose();
		if (found !== undefined && found.entry.count > found.written) {
			write({ ...found.entry, atMs: found.entry.lastAtMs, count: found.entry.count - found.written }, found.entry);
		}
	};
	const forgetRemoved = async (): Promise<void> => {
		const days = new Map(own.map((entry) => [dayFile(folder, entry), entry]));
		const gone = new Set<string>();
		for (const [file, entry] of days) if (!(await isKept(folder, entry))) gone.add(file);
		for (const entry of own) {
			const identity = identityOf(entry, entry.atMs);
			if (!written.has(identity) || !gone.has(dayFile(folder, entry))) continue;
			written.delete(identity);
			own = own.filter((candidate) => identityOf(candidate, candidate.atMs) !== identity);
			for (const [key, growing] of open) {
				if (identityOf(growing.entry, growing.entry.atMs) !== identity) continue;
				growing.timer.dispose();
				open.delete(key);
			}
		}
		// What is not shown any more needs no looking after.
		const shown = new Set(own.map((entry) => identityOf(entry, entry.atMs)));
		for (const identity of written) if (!shown.has(identity)) written.delete(identity);
	};
	const refresh = async (): Promise<void> => {
		await writing;
		await forgetRemoved().catch(warn);
		await removeOldDays(folder, clock.now()).catch(warn);
		const read = await readDays(folder, clock.now()).catch((error: unknown) => {
			warn(error);
			return [];
		});
		// What this window wrote is in memory already, with its count.
		const mine = new Set(own.flatMap((entry) => [identityOf(entry, entry.atMs), identityOf(entry, entry.lastAtMs)]));
		others = read.filter((entry) => !mine.has(identityOf(entry, entry.atMs)));
		changes.fire(entries());
	};

	return {
		entries,
		onDidChange: changes.event,
		refresh,
		record(use) {
			const nowMs = clock.now();
			const key = JSON.stringify([
				use.consumer,
				use.terminalPid,
				use.program,
				use.providerId,
				use.bucketId,
				use.use,
				use.outcome,
			]);
			const growing = open.get(key);
			const entry: AuditEntry =
				growing === undefined
					? { ...use, atMs: nowMs, lastAtMs: nowMs, count: 1 }
					: { ...use, atMs: growing.entry.atMs, lastAtMs: nowMs, count: growing.entry.count + 1 };
			if (growing === undefined) {
				const timer = clock.schedule(MERGE_MS, () => close(key));
				open.set(key, { entry, written: 1, timer });
				write(entry);
				own = [entry, ...own].slice(0, MAX_ENTRIES);
			} else {
				own = [entry, ...own.filter((candidate) => candidate !== growing.entry)];
				growing.entry = entry;
			}
			changes.fire(entries());
		},
		dispose() {
			for (const { timer } of open.values()) timer.dispose();
			open.clear();
			changes.dispose();
		},
	};
}

function identityOf(entry: AuditEntry, atMs: number): string {
	const { terminalPid, providerId, use, outcome, program } = entry;
	return JSON.stringify([atMs, terminalPid, providerId, use, outcome, program]);
}

function dayFile(folder: string, { atMs }: AuditEntry): string {
	return path.join(folder, `${new Date(atMs).toISOString().slice(0, 10)}.jsonl`);
}

/** Whether the day of an entry that was written is still there: who removes one removes all. */
async function isKept(folder: string, entry: AuditEntry): Promise<boolean> {
	return (await sizeOf(dayFile(folder, entry))) > 0;
}

async function append(folder: string, entry: AuditEntry): Promise<void> {
	await requirePrivateFolder(folder);
	const file = dayFile(folder, entry);
	if ((await sizeOf(file)) > MAX_DAY_BYTES) return;
	// One write of less than a page, appended: lines of several windows do not mix.
	await appendFile(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
}

async function sizeOf(file: string): Promise<number> {
	try {
		return (await stat(file)).size;
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return 0;
		throw error;
	}
}

/** Newest first. */
async function dayNames(folder: string): Promise<string[]> {
	try {
		const names = await readdir(folder);
		return names
			.filter((name) => DAY_FILE.test(name))
			.sort()
			.reverse();
	} catch (error) {
		if (hasCode(error, 'ENOENT')) return [];
		throw error;
	}
}

function isOld(name: string, nowMs: number): boolean {
	return name.slice(0, 10) < new Date(nowMs - MAX_AGE_MS).toISOString().slice(0, 10);
}

/** Another window may remove them as well. */
async function removeOldDays(folder: string, nowMs: number): Promise<void> {
	const old = (await dayNames(folder)).filter((name) => isOld(name, nowMs));
	await Promise.all(old.map((name) => rm(path.join(folder, name), { force: true })));
}

/** The newest entries of the days that still count. */
async function readDays(folder: string, nowMs: number): Promise<AuditEntry[]> {
	const entries: AuditEntry[] = [];
	for (const name of await dayNames(folder)) {
		const file = path.join(folder, name);
		if (isOld(name, nowMs) || entries.length >= MAX_ENTRIES || (await sizeOf(file)) > 2 * MAX_DAY_BYTES) continue;
		for (const line of (await readFile(file, 'utf8')).split('\n')) {
			// The last line may be half written, and a newer version may write others.
			const parsed = v.safeParse(entrySchema, parseJson(line));
			if (parsed.success) entries.push(parsed.output);
		}
	}
	return entries.sort((a, b) => b.lastAtMs - a.lastAtMs).slice(0, MAX_ENTRIES);
}
