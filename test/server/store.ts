/**
 * The service's memory. The library's own in-memory adapter forgets beyond 1,000 entries and knows no grace period.
 * Grace period as services practise it: a refresh token that was just used is answered again with a fresh one, as long
 * as nothing newer of its grant has been used.
 */
import type { Adapter, Payload } from 'oidc-provider';
import type { RefreshTokenState } from './oracle.ts';
import { digest } from './oracle.ts';

type Entry = { payload: Payload; consumedAtMs?: number };

export type Store = {
	adapter(model: string): Adapter;
	/** What would become of this refresh token now, and of which grant it is or was. */
	inspect(refreshToken: string): { readonly state: RefreshTokenState; readonly grantId?: string };
	/** The `sub` of whom this access or refresh token was issued to; undefined once it is gone. */
	ownerOf(token: string): string | undefined;
	/** Ids of the grants that still have a refresh token to use. */
	grantsAlive(): readonly string[];
};

export function createStore(gracePeriodMs: number, keepSecret: (value: string) => void): Store {
	const models = new Map<string, Map<string, Entry>>();
	/** Outlives the tokens, so that a late reuse can still be told from a token that never existed. */
	const history = new Map<string, { readonly grantId: string; consumed: boolean }>();
	const entriesOf = (model: string): Map<string, Entry> => {
		const known = models.get(model) ?? new Map<string, Entry>();
		models.set(model, known);
		return known;
	};
	const refreshTokens = entriesOf('RefreshToken');

	const inGrace = ({ payload, consumedAtMs }: Entry): boolean =>
		consumedAtMs !== undefined &&
		Date.now() - consumedAtMs < gracePeriodMs &&
		![...refreshTokens.values()].some(
			(other) =>
				other.payload.grantId === payload.grantId &&
				other.consumedAtMs !== undefined &&
				(other.payload.rotations ?? 0) > (payload.rotations ?? 0),
		);

	const findBy = (model: string, matches: (payload: Payload) => boolean): Payload | undefined =>
		[...entriesOf(model).values()].find(({ payload }) => matches(payload))?.payload;

	return {
		adapter: (model) => ({
			async upsert(id, payload) {
				const entry: Entry = { ...entriesOf(model).get(id), payload };
				entriesOf(model).set(id, entry);
				if (secretModels.has(model)) keepSecret(id);
				if (model === 'RefreshToken' && payload.grantId !== undefined) {
					history.set(digest(id), { grantId: payload.grantId, consumed: false });
				}
			},
			async find(id) {
				const entry = entriesOf(model).get(id);
				if (entry === undefined) return undefined;
				return model === 'RefreshToken' && inGrace(entry) ? { ...entry.payload, consumed: undefined } : entry.payload;
			},
			findByUid: async (uid) => findBy(model, (payload) => payload.uid === uid),
			findByUserCode: async (userCode) => findBy(model, (payload) => payload.userCode === userCode),
			async consume(id) {
				const entry = entriesOf(model).get(id);
				if (entry === undefined) return;
				entry.consumedAtMs ??= Date.now();
				entry.payload = { ...entry.payload, consumed: Math.floor(entry.consumedAtMs / 1000) };
				const past = history.get(digest(id));
				if (past !== undefined) past.consumed = true;
			},
			async destroy(id) {
				entriesOf(model).delete(id);
			},
			async revokeByGrantId(grantId) {
				for (const [id, { payload }] of entriesOf(model)) {
					if (payload.grantId === grantId) entriesOf(model).delete(id);
				}
			},
		}),
		inspect(refreshToken) {
			const entry = refreshTokens.get(refreshToken);
			const past = history.get(digest(refreshToken));
			if (past === undefined) return { state: 'dead' };
			const { grantId } = past;
			if (entry !== undefined && entry.consumedAtMs === undefined) {
				return { state: isExpired(entry) ? 'dead' : 'live', grantId };
			}
			if (entry !== undefined && inGrace(entry)) return { state: 'grace', grantId };
			return { state: past.consumed ? 'reused' : 'dead', grantId };
		},
		ownerOf: (token) => (entriesOf('AccessToken').get(token) ?? refreshTokens.get(token))?.payload.accountId,
		grantsAlive() {
			const alive = [...refreshTokens.values()].filter(
				(entry) => entry.consumedAtMs === undefined && !isExpired(entry),
			);
			return [...new Set(alive.flatMap(({ payload }) => payload.grantId ?? []))];
		},
	};
}

function isExpired({ payload }: Entry): boolean {
	return payload.exp !== undefined && payload.exp <= Date.now() / 1000;
}

const secretModels = new Set(['AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']);
