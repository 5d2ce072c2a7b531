/** Bugs that each look harmless in review, put into a copy of the sources: the model has to find every one of them. */
import type { Mutation } from './modules.ts';

export type Mutant = {
	readonly name: string;
	/** Finds it soon. */
	readonly seed: number;
	readonly mutations: readonly Mutation[];
};

export const mutants: readonly Mutant[] = [
	{
		name: 'the lock is released by its path, not by our nonce',
		seed: 4,
		mutations: [
			{
				from: 'remove(disk, path, nonce).then(() => callback(null), callback);',
				to: 'disk.removeAll(path).then(() => callback(null), callback);',
			},
		],
	},
	{
		name: 'a takeover removes whatever lock is there, not that of the owner that was seen',
		seed: 12,
		mutations: [
			{
				from: 'const won = await remove(disk, lockPath, owner.nonce);',
				to: 'const won = await disk.removeAll(lockPath).then(() => true);',
			},
		],
	},
	{
		name: 'a generation is renamed into place and replaces another of the same number',
		seed: 5,
		mutations: [{ from: 'await disk.link(temp, target);', to: 'await disk.rename(temp, target);' }],
	},
	{
		name: 'a waiter adopts what is there without comparing generations',
		seed: 1,
		mutations: [
			{ from: 'if (present.generation > first.generation) {', to: 'if (present.generation >= first.generation) {' },
		],
	},
	{
		name: 'the answer is stored after the lease was given up',
		seed: 1,
		mutations: [
			{
				from: 'const stored = await storing.store(ref, generation, outcome.credential, room, correlationId, land);',
				to: `const stored = { generation: generation + 1, credential: outcome.credential };
					void storing.store(ref, generation, outcome.credential, room, correlationId, land);`,
			},
		],
	},
	{
		name: 'the refresh token that was read before waiting is sent',
		seed: 1,
		mutations: [{ from: 'const present = await newest(request, first);', to: 'const present = first;' }],
	},
	{
		name: 'passing trouble of the server asks for a new sign-in',
		seed: 4,
		mutations: [
			{
				from: 'throw await notes.failed(ref, generation, outcome);',
				to: "throw await notes.lost(ref, generation, 'invalid_grant');",
			},
		],
	},
	{
		name: 'a lease that others hold asks for a new sign-in',
		seed: 3,
		mutations: [
			{
				from: 'if (mayKeep && demands.isAlive(request, present)) return present;',
				to: `if (isAuthError(error, 'locked')) throw await notes.lost(request.ref, present.generation, 'invalid_grant');`,
			},
		],
	},
	{
		name: '`invalid_grant` deletes the record',
		seed: 4,
		mutations: [
			{
				from: 'throw await lost(outcome.serverError);\n\t\t\t\t\t}',
				to: `await vault.writeSignedOut(ref, generation);
					throw await notes.lost(ref, generation, 'invalid_grant', outcome.serverError);
				}`,
			},
		],
	},
	{
		name: 'what a dead holder had stored is not finished',
		seed: 1,
		mutations: [{ from: 'for (const leftover of leftovers) {', to: 'for (const leftover of []) {' }],
	},
	{
		name: 'sendings without a known outcome are not counted',
		seed: 10,
		mutations: [
			{
				from: 'const deaths = (await counted)(generation, digest(credential.refreshToken));',
				to: 'const deaths = 0;',
			},
		],
	},
	{
		name: 'after two lost answers nobody waits',
		seed: 7,
		mutations: [
			{
				from: "throw await notes.failed(ref, generation, { ...outcome, code: 'transient' });",
				to: "throw new AuthError('transient', 'nobody answers');",
			},
		],
	},
];
