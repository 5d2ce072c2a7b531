/**
 * What all windows agree on besides the credentials: which buckets exist, in which order, whose they are, and what is the
 * matter with them. Kept apart from the records, so that writing it never competes with a refresh. Holds no secret.
 */
import * as v from 'valibot';
import { originSchema } from '../credential.ts';
import { AuthError } from '../errors.ts';
import type { Ledger } from '../vault/ledger.ts';
import type { Upgrades } from '../vault/vault.ts';
import { BILLING_CLASSES, BUCKET_OWNERS } from './billing.ts';

const STATE = 'state';
export const STATE_SCHEMA = 1;

/** Two windows rarely write at the same moment; this many losses in a row are a fault of the file system. */
const UPDATE_ATTEMPTS = 50;

const identitySchema = v.object({
	issuer: v.string(),
	subject: v.optional(v.string()),
	email: v.optional(v.string()),
	name: v.optional(v.string()),
});

const cooldownSchema = v.object({
	reason: v.picklist(['quota', 'rate_limit', 'credit', 'entitlement', 'refused']),
	rule: v.string(),
	sinceMs: v.number(),
	/** Absent: until the person ends it. */
	untilMs: v.optional(v.number()),
	/** How often in a row; each lasts longer where the service names no time. */
	times: v.number(),
	/** After `untilMs` one window tries the bucket first, until then. */
	probe: v.optional(v.object({ window: v.string(), untilMs: v.number() })),
});

const crossingSchema = v.object({
	from: v.string(),
	to: v.string(),
	allowed: v.boolean(),
	/** In this workspace only. */
	workspace: v.optional(v.string()),
	/** Until then only. */
	untilMs: v.optional(v.number()),
});

const bucketSchema = v.object({
	id: v.string(),
	name: v.string(),
	kind: v.picklist(['oauth', 'apiKey', 'reference']),
	account: v.object({ id: v.string(), label: v.string(), identity: identitySchema }),
	createdAtMs: v.number(),
	/** The service of a credential that an earlier version stored without one: the entry as it was when this one first read it. */
	origin: v.optional(originSchema),
	/** Holds for this generation only: a newer credential makes it void without anybody having to clear it. */
	needsSignIn: v.optional(
		v.object({ generation: v.number(), reason: v.picklist(['invalid_grant', 'unknown_outcome', 'unavailable']) }),
	),
	/** The same, because the service moved its endpoints. A field of its own: an earlier version reads no state with another reason. */
	serviceChanged: v.optional(v.object({ generation: v.number() })),
	/** Passing trouble with this generation; no window asks the server again before `retryAtMs`. */
	failing: v.optional(
		v.object({
			generation: v.number(),
			retryAtMs: v.number(),
			attempts: v.number(),
			/** When that was noted: by a clock that was set back to before it the wait says nothing. */
			sinceMs: v.optional(v.number()),
		}),
	),
	/** A service refused the access token of this generation: it is not handed out again. */
	refused: v.optional(v.object({ generation: v.number(), status: v.number(), atMs: v.optional(v.number()) })),
	/** What the person was told, by one window for all. */
	told: v.optional(v.array(v.object({ generation: v.number(), reason: v.string() }))),
	/** Of references: the name of the command in the provider's settings. There is no record, because nothing is kept. */
	command: v.optional(v.string()),
	/** The person switched it off. */
	disabled: v.optional(v.boolean()),
	/** False: Automatic leaves it alone, because it is another person's and nobody decided otherwise. */
	automatic: v.optional(v.boolean()),
	owner: v.optional(v.picklist(BUCKET_OWNERS)),
	billing: v.optional(v.picklist(BILLING_CLASSES)),
	/** Of the account, not of a token: outlives refreshes. */
	cooldown: v.optional(cooldownSchema),
	lastRefreshAtMs: v.optional(v.number()),
	/** Of the extension host that did it. */
	lastRefreshPid: v.optional(v.number()),
	/** The person was reminded that the sign-in ends then. Outlives refreshes, which do not move that end. */
	remindedOfEndMs: v.optional(v.number()),
	lastUsedAtMs: v.optional(v.number()),
});

const stateSchema = v.object({
	providers: v.record(
		v.string(),
		v.object({
			/** In order: the first usable one is in force. */
			buckets: v.array(bucketSchema),
			/** Every label that was ever given, with whom it belongs to: VS Code's consents hang on labels. */
			labels: v.array(v.object({ label: v.string(), accountId: v.string(), owner: v.string() })),
			/** What the person said about moving from one bucket to another that is billed differently. */
			crossings: v.optional(v.array(crossingSchema)),
		}),
	),
	/** What the person said about bindings in files of workspaces; a workspace stands here as a digest. */
	bindings: v.optional(
		v.array(v.object({ providerId: v.string(), bucketName: v.string(), workspace: v.string(), allowed: v.boolean() })),
	),
});

export type State = v.InferOutput<typeof stateSchema>;
export type ProviderState = State['providers'][string];
export type Bucket = ProviderState['buckets'][number];
export type BucketCooldown = v.InferOutput<typeof cooldownSchema>;
export type StoredCrossing = v.InferOutput<typeof crossingSchema>;
export type BindingAnswer = NonNullable<State['bindings']>[number];

export const EMPTY_STATE: State = { providers: {} };

export type StateReading =
	| { readonly kind: 'state'; readonly generation: number; readonly state: State }
	| { readonly kind: 'newerSchema' }
	| { readonly kind: 'damaged'; readonly generation: number };

export type StateFile = {
	/** Rejects with `storage`. An absent file is the empty state. @param hint a generation that was heard of. */
	read(hint?: number): Promise<StateReading>;
	/**
	 * Applies `change` to the newest state and writes the result; again from the newest one if another window was faster.
	 * A `change` that returns its argument writes nothing. Rejects with `storage`, `newer_schema`.
	 */
	update(change: (state: State) => State): Promise<State>;
};

/** Only tests of upgrades pass another schema than the present one, and the steps that lead to it. */
export type StateVersions = { readonly schema: number; readonly upgrades: Upgrades };

export function createStateFile(
	ledger: Ledger,
	versions: StateVersions = { schema: STATE_SCHEMA, upgrades: {} },
): StateFile {
	async function read(hint?: number): Promise<StateReading> {
		const entry = await ledger.read(STATE, hint);
		if (!entry) return { kind: 'state', generation: 0, state: EMPTY_STATE };
		return parseState(entry.generation, entry.bytes, versions);
	}

	return {
		read,
		async update(change) {
			for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt++) {
				const reading = await read();
				if (reading.kind === 'newerSchema')
					throw new AuthError('newer_schema', 'the state was written by a newer version and is not rewritten');
				// A damaged state names no buckets any more; their records stay, and the file is set aside.
				const present = reading.kind === 'damaged' ? EMPTY_STATE : reading.state;
				const next = change(present);
				if (next === present) return present;
				const bytes = Buffer.from(`${JSON.stringify({ ...v.parse(stateSchema, next), schema: versions.schema })}\n`);
				const setAside = reading.kind === 'damaged';
				if ((await ledger.append(STATE, reading.generation, bytes, { setAside })) === 'written') return next;
			}
			throw new AuthError('storage', 'the state could not be written: others always were faster');
		},
	};
}

function parseState(generation: number, bytes: Buffer, { schema, upgrades }: StateVersions): StateReading {
	try {
		let json: unknown = JSON.parse(bytes.toString('utf8'), finite);
		const header = v.parse(v.object({ schema: v.pipe(v.number(), v.integer(), v.minValue(1)) }), json);
		if (header.schema > schema) return { kind: 'newerSchema' };
		// Upgraded in memory only: the next write stores it in the new schema.
		for (let step = header.schema; step < schema; step++) json = upgrades[step]?.(json) ?? json;
		return { kind: 'state', generation, state: v.parse(stateSchema, json) };
	} catch {
		// Not JSON, without schema, or not what its schema says: whoever asked decides what to do about it.
		return { kind: 'damaged', generation };
	}
}

/** JSON can say numbers that no double holds; they would be written as `null`, and then the state would not parse. */
function finite(_key: string, value: unknown): unknown {
	if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('a number that cannot be kept');
	return value;
}

/** Replaces one bucket; returns the same state if there is none of this id. */
export function updateBucket(
	state: State,
	providerId: string,
	bucketId: string,
	change: (bucket: Bucket) => Bucket,
): State {
	const provider = state.providers[providerId];
	const present = provider?.buckets.find((bucket) => bucket.id === bucketId);
	if (!provider || !present) return state;
	const next = change(present);
	if (next === present) return state;
	const buckets = provider.buckets.map((bucket) => (bucket === present ? next : bucket));
	return { ...state, providers: { ...state.providers, [providerId]: { ...provider, buckets } } };
}
