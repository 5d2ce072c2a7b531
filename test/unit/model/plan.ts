/** What is explored: the circumstances, who comes when, and what happens to whom. Everything shrinks towards the ordinary. */
import fc from 'fast-check';
import type { AnswerFault, Person } from './tokenServer.ts';
import type { Choice } from './world.ts';

/** Places in the course of a refresh at which a move can strike. */
export const PLACES = [
	'lock.mkdir',
	'lock.fill',
	'lock.place',
	'lock.read',
	'lock.unlink',
	'lock.rmdir',
	'intent.truncate',
	'intent.fill',
	'intent.unlink',
	'send.arrive',
	'send.process',
	'send.deliver',
	'vault.readdir',
	'record.read',
	'record.create',
	'record.fill',
	'record.link',
	'record.unlink',
	'state.link',
	'timer',
] as const;

export type When =
	/** So many steps after the move before. */
	| { readonly steps: number }
	/** Just before or after such a step, for the n-th time since the move before. */
	| { readonly place: (typeof PLACES)[number]; readonly side: 'before' | 'after'; readonly nth: number };

/** `self` is the window of the step at which the move strikes, `last` the one that was stopped or killed last. */
export type Who = 'self' | 'last' | 0 | 1 | 2;

export type Move = {
	readonly when: When;
	readonly who: Who;
	readonly what:
		| { readonly kind: 'ask' | 'force' | 'refused' | 'signOut' | 'signIn'; readonly person: Person }
		| { readonly kind: 'kill'; readonly completes: boolean }
		| { readonly kind: 'stop' | 'continue' }
		/** A new process in the window's place; with the pid of its predecessor if that is dead. */
		| { readonly kind: 'start'; readonly samePid: boolean }
		| { readonly kind: 'outage' | 'recovery' }
		| { readonly kind: 'answer'; readonly fault: AnswerFault }
		| { readonly kind: 'secrets'; readonly trouble: 'throws' | 'hangs' | 'drops' | 'none' }
		| { readonly kind: 'sleep' | 'jump'; readonly ms: number };
};

export type Plan = {
	readonly windows: 2 | 3;
	readonly secrets: 'desktop' | 'web';
	/** Each window in a pid namespace of its own: nobody can judge anybody. */
	readonly apart: boolean;
	readonly deaf: boolean;
	readonly graceMs: number;
	readonly graceAnswer: 'new' | 'same';
	readonly answerMs: number;
	readonly paceMs: number;
	readonly choices: readonly Choice[];
	readonly moves: readonly Move[];
};

const person: fc.Arbitrary<Person> = fc.oneof(
	{ weight: 5, arbitrary: fc.constant<Person>('ada') },
	{ weight: 1, arbitrary: fc.constant<Person>('bob') },
);

const when: fc.Arbitrary<When> = fc.oneof(
	fc.record({ steps: fc.nat(60) }),
	fc.record({
		place: fc.constantFrom(...PLACES),
		side: fc.constantFrom<'before' | 'after'>('before', 'after'),
		nth: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
	}),
);

const anyone = fc.constantFrom<Who>(0, 1, 2);
const mostly = (first: Who): fc.Arbitrary<Who> =>
	fc.oneof({ weight: 3, arbitrary: fc.constant(first) }, { weight: 1, arbitrary: anyone });

function moves(who: fc.Arbitrary<Who>, what: fc.Arbitrary<Move['what']>): fc.Arbitrary<Move> {
	return fc.record({ when, who, what });
}

const move: fc.Arbitrary<Move> = fc.oneof(
	{ weight: 4, arbitrary: moves(anyone, fc.record({ kind: fc.constant('ask' as const), person })) },
	{
		weight: 2,
		arbitrary: moves(anyone, fc.record({ kind: fc.constantFrom('force' as const, 'refused' as const), person })),
	},
	{
		weight: 2,
		arbitrary: moves(anyone, fc.record({ kind: fc.constantFrom('signOut' as const, 'signIn' as const), person })),
	},
	{
		weight: 4,
		arbitrary: moves(mostly('self'), fc.record({ kind: fc.constant('kill' as const), completes: fc.boolean() })),
	},
	{ weight: 3, arbitrary: moves(mostly('self'), fc.record({ kind: fc.constant('stop' as const) })) },
	{ weight: 3, arbitrary: moves(mostly('last'), fc.record({ kind: fc.constant('continue' as const) })) },
	{
		weight: 2,
		arbitrary: moves(mostly('last'), fc.record({ kind: fc.constant('start' as const), samePid: fc.boolean() })),
	},
	{
		weight: 1,
		arbitrary: moves(anyone, fc.record({ kind: fc.constantFrom('outage' as const, 'recovery' as const) })),
	},
	{
		weight: 2,
		arbitrary: moves(
			anyone,
			fc.record({
				kind: fc.constant('answer' as const),
				fault: fc.constantFrom<AnswerFault>('lostBefore', 'lostAfter', 'status503', 'hangs', 'late'),
			}),
		),
	},
	{
		weight: 1,
		arbitrary: moves(
			anyone,
			fc.record({
				kind: fc.constant('secrets' as const),
				trouble: fc.constantFrom('throws' as const, 'hangs' as const, 'drops' as const, 'none' as const),
			}),
		),
	},
	{
		weight: 2,
		arbitrary: moves(
			anyone,
			fc.record({ kind: fc.constant('sleep' as const), ms: fc.constantFrom(150, 3_000, 20_000, 60_000, 3_700_000) }),
		),
	},
	{
		weight: 1,
		arbitrary: moves(
			anyone,
			fc.record({ kind: fc.constant('jump' as const), ms: fc.constantFrom(-14_400_000, -90_000, 3_600_000) }),
		),
	},
);

const choice: fc.Arbitrary<Choice> = fc.record({
	pick: fc.constantFrom<Choice['pick']>(0, 1, 2, 3, 'newest', 'newest'),
	times: fc.integer({ min: 1, max: 12 }),
});

export const plans: fc.Arbitrary<Plan> = fc.record({
	windows: fc.constantFrom<2 | 3>(2, 3, 3),
	secrets: fc.constantFrom<'desktop' | 'web'>('desktop', 'web'),
	apart: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
	deaf: fc.boolean(),
	graceMs: fc.constantFrom(0, 30_000),
	graceAnswer: fc.constantFrom<'new' | 'same'>('new', 'same'),
	answerMs: fc.constantFrom(0, 200, 3_000),
	paceMs: fc.constantFrom(0, 1, 15, 60),
	choices: fc.array(choice, { maxLength: 12, size: 'max' }),
	moves: fc.array(move, { maxLength: 10, size: 'max' }),
});
