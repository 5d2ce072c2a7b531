/** The refresh as every program without a library writes it; a failure is an error with the server's code. */
import * as v from 'valibot';
import type { Account } from '../account.ts';

const answerSchema = v.object({ access_token: v.string(), refresh_token: v.string(), expires_in: v.number() });

export type Refreshed = {
	readonly accessToken: string;
	readonly refreshToken: string;
	readonly expiresAtMs: number;
};

export async function sendRefresh(account: Account, refreshToken: string): Promise<Refreshed> {
	const body = new URLSearchParams({
		grant_type: 'refresh_token',
		refresh_token: refreshToken,
		client_id: account.clientId,
	});
	const response = await fetch(account.tokenUrl, { method: 'POST', body });
	if (!response.ok) throw new Error(`the server said ${response.status} ${await response.text()}`);
	const answer = v.parse(answerSchema, await response.json());
	return {
		accessToken: answer.access_token,
		refreshToken: answer.refresh_token,
		expiresAtMs: Date.now() + answer.expires_in * 1000,
	};
}
