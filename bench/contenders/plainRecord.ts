/**
 * A credential in one JSON file, for the contenders that are only a way to coordinate. Written with the same forced writes
 * as ours: temp file, fsync, rename, fsync of the folder; so no contender is faster because it may lose the token.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import type { Account } from '../account.ts';
import { type Refreshed, sendRefresh } from './tokenRequest.ts';

const recordSchema = v.object({ accessToken: v.string(), refreshToken: v.string(), expiresAtMs: v.number() });

export const RECORD_NAME = 'credential.json';

export function recordPath({ folder }: Account): string {
	return path.join(folder, RECORD_NAME);
}

export async function readRecord(account: Account): Promise<Refreshed> {
	return v.parse(recordSchema, JSON.parse(await readFile(recordPath(account), 'utf8')));
}

export async function writeRecord(account: Account, record: Refreshed): Promise<void> {
	const temp = `${recordPath(account)}.${randomBytes(8).toString('hex')}`;
	const file = await open(temp, 'wx', 0o600);
	try {
		await file.writeFile(JSON.stringify(record));
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(temp, recordPath(account));
	const folder = await open(account.folder, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

/** As a sign-in of an hour ago. */
export function seedRecord(account: Account): Promise<void> {
	const { accessToken, refreshToken } = account;
	return writeRecord(account, { accessToken, refreshToken, expiresAtMs: Date.now() - 1_000 });
}

export function isFresh(record: Refreshed): boolean {
	return record.expiresAtMs > Date.now();
}

/** Looks again, because somebody may have been faster; else sends and stores. To be called by who holds the lock. */
export async function renewRecord(account: Account): Promise<Refreshed> {
	const record = await readRecord(account);
	if (isFresh(record)) return record;
	const renewed = await sendRefresh(account, record.refreshToken);
	await writeRecord(account, renewed);
	return renewed;
}
