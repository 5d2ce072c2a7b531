/** What must hold after every step, whatever happens: told by the files as they change and by the leases as they are held. */
import type { Credential } from '../../../src/auth/credential.ts';
import { HEARTBEAT_MS, UNJUDGEABLE_OBSERVATIONS } from '../../../src/auth/lease/ownerObserver.ts';
import { keyIdOf, open, readEnvelope } from '../../../src/auth/vault/sealing.ts';
import type { Change, Files } from './files.ts';
import type { Person, TokenServer } from './tokenServer.ts';
import type { Actor, World } from './world.ts';

const VAULT = '/storage/vault';
const RECORD = /^\/storage\/vault\/([0-9a-f]{64})\.(\d+)\.rec$/;
const LEFTOVER = /^([0-9a-f]{64})\.(\d+)\.[0-9a-f]{16}\.tmp$/;
const OWNER = /^(\/storage\/lease\/[0-9a-f]{64}\.lock)\/[0-9a-f]{32}\.json$/;
/** An owner nobody can judge may be taken for gone after this long without a heartbeat; the first look may fall anywhere. */
const SILENCE_MS = UNJUDGEABLE_OBSERVATIONS * HEARTBEAT_MS;

type Content = { readonly kind: 'signedOut' } | { readonly kind: 'credential'; readonly credential: Credential };

export type Invariants = ReturnType<typeof createInvariants>;

export type InvariantsOptions = {
	readonly world: World;
	readonly files: Files;
	readonly server: () => TokenServer;
	/** Vault keys in base64, as SecretStorage keeps them. */
	readonly keys: () => Iterable<string>;
	/** Whether no window can judge another. */
	readonly apart: boolean;
	/** Whether somebody began to sign this bucket out. */
	readonly isLeaving: (bucketId: string) => boolean;
};

export function createInvariants(options: InvariantsOptions) {
	const { world, files } = options;
	const records = new Map<string, Map<number, { readonly bytes: Buffer; readonly content: Content }>>();
	const owners = new Map<string, { readonly actor: Actor; readonly lock: string; beatMs: number }>();
	const holders = new Map<string, Set<Actor>>();
	const robbed = new Set<Actor>();
	let robberies = 0;

	function decode(bytes: Buffer): (Content & { readonly bucketId: string; readonly generation: number }) | undefined {
		let header: { provider?: unknown; bucket?: unknown; generation?: unknown };
		try {
			header = JSON.parse(bytes.toString('utf8'));
		} catch {
			return undefined; // Torn.
		}
		const { provider, bucket, generation } = header;
		if (typeof provider !== 'string' || typeof bucket !== 'string' || typeof generation !== 'number') return undefined;
		const reading = readEnvelope({ providerId: provider, bucketId: bucket }, generation, bytes);
		if (reading.kind !== 'envelope') return undefined;
		const { envelope } = reading;
		if (envelope.kind === 'signedOut') return { kind: 'signedOut', bucketId: bucket, generation };
		for (const text of options.keys()) {
			const key = Buffer.from(text, 'base64');
			const plain = keyIdOf(key) === envelope.keyId ? open(envelope, key) : undefined;
			if (plain !== undefined)
				return { kind: 'credential', credential: JSON.parse(plain), bucketId: bucket, generation };
		}
		return undefined;
	}

	function onRecord(path: string, name: string, generation: number): void {
		// A slow writer can find the name free because later generations have come and swept it: it takes its file back.
		if (Math.max(0, ...generationsOf(name)) > generation) return;
		const bytes = files.peek(path) ?? Buffer.alloc(0);
		const decoded = decode(bytes);
		if (!decoded) {
			world.violate(`record ${generation} appeared and cannot be opened`);
			return;
		}
		const known = records.get(name) ?? new Map();
		records.set(name, known);
		const before = known.get(generation);
		if (before && !before.bytes.equals(bytes)) world.violate(`generation ${generation} was replaced`);
		known.set(generation, { bytes, content: decoded });
		const previous: Content | undefined = known.get(generation - 1)?.content;
		if (decoded.kind === 'signedOut') {
			if (!options.isLeaving(decoded.bucketId)) world.violate('a record was ended that nobody signed out');
			return;
		}
		const { accessToken } = decoded.credential;
		if (previous?.kind === 'signedOut' && !options.server().isOfSignIn(accessToken))
			world.violate('a refresh outlived the sign-out');
		if (previous?.kind !== 'credential') return;
		const person = options.server().personOf(previous.credential.accessToken);
		if (person !== options.server().personOf(accessToken)) world.violate('a bucket changed its owner');
	}

	function onVanished(path: string, name: string, generation: number): void {
		const newest = Math.max(0, ...generationsOf(name));
		if (newest < generation) world.violate(`the newest generation vanished (${path})`);
	}

	function generationsOf(name: string): number[] {
		return files.list(VAULT).flatMap((file) => {
			const match = RECORD.exec(`${VAULT}/${file}`);
			return match?.[1] === name ? [Number(match[2])] : [];
		});
	}

	function onOwner({ actor, what, path }: Change, lock: string): void {
		if (what === 'appeared') owners.set(path, { actor, lock, beatMs: world.elapsedMs() });
		if (what !== 'vanished') return;
		const owner = owners.get(path);
		owners.delete(path);
		if (!owner || owner.actor === actor || owner.actor.life === 'dead') return;
		if (options.apart && world.elapsedMs() - owner.beatMs >= SILENCE_MS) {
			robberies++;
			robbed.add(owner.actor);
			options.server().excuse(owner.actor);
			return;
		}
		world.violate(`w${actor.slot} took the lock of w${owner.actor.slot}, which lives`);
	}

	files.onChange((change) => {
		const record = RECORD.exec(change.path);
		if (record?.[1] && change.what === 'appeared') onRecord(change.path, record[1], Number(record[2]));
		if (record?.[1] && change.what === 'vanished') onVanished(change.path, record[1], Number(record[2]));
		const lock = OWNER.exec(change.path)?.[1];
		if (lock) onOwner(change, lock);
		if (change.what === 'touched')
			for (const owner of owners.values()) if (owner.lock === change.path) owner.beatMs = world.elapsedMs();
	});

	return {
		decode,
		isExcused: (actor: Actor) => robbed.has(actor),
		robberies: () => robberies,
		holds: (actor: Actor) => [...holders.values()].some((present) => present.has(actor)),
		held(actor: Actor, name: string): () => void {
			const present = holders.get(name) ?? new Set();
			holders.set(name, present);
			for (const other of present)
				if (other.life !== 'dead' && !robbed.has(other))
					world.violate(`w${actor.slot} and w${other.slot} hold one lease`);
			present.add(actor);
			return () => {
				present.delete(actor);
				robbed.delete(actor);
			};
		},
		/** The newest content of a record. */
		newest(name: string): Content | undefined {
			const [generation = 0] = generationsOf(name).sort((a, b) => b - a);
			return records.get(name)?.get(generation)?.content;
		},
		hasLeftover(refreshToken: string): boolean {
			return files.list(VAULT).some((file) => {
				const match = LEFTOVER.exec(file);
				if (!match?.[1]) return false;
				const [generation = 0] = generationsOf(match[1]).sort((a, b) => b - a);
				if (Number(match[2]) !== generation + 1) return false;
				const before = this.newest(match[1]);
				if (before?.kind !== 'credential' || before.credential.kind !== 'oauth') return false;
				if (before.credential.refreshToken !== refreshToken) return false;
				const decoded = decode(files.peek(`${VAULT}/${file}`) ?? Buffer.alloc(0));
				return decoded?.kind === 'credential' && !options.server().isOfSignIn(decoded.credential.accessToken);
			});
		},
		personOf: (credential: Credential): Person | undefined => options.server().personOf(credential.accessToken),
	};
}
