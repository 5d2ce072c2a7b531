/** Plans that once broke a promise, as they were found; every run goes through them first. */
import type { Plan } from './plan.ts';

export const KNOWN_PLANS: readonly Plan[] = [
	// The clock is set back after a refresh failed: the wait that was noted by the old clock seemed to last for an hour.
	{
		windows: 3,
		secrets: 'web',
		apart: false,
		deaf: false,
		graceMs: 0,
		graceAnswer: 'new',
		answerMs: 200,
		paceMs: 0,
		choices: [
			{ pick: 1, times: 11 },
			{ pick: 'newest', times: 1 },
		],
		moves: [
			{ when: { steps: 34 }, who: 2, what: { kind: 'outage' } },
			{ when: { steps: 50 }, who: 'self', what: { kind: 'kill', completes: false } },
			{ when: { place: 'record.fill', side: 'after', nth: 0 }, who: 2, what: { kind: 'sleep', ms: 3_700_000 } },
			{ when: { place: 'record.unlink', side: 'after', nth: 2 }, who: 'last', what: { kind: 'start', samePid: false } },
			{ when: { place: 'lock.place', side: 'before', nth: 0 }, who: 1, what: { kind: 'jump', ms: -14_400_000 } },
			{ when: { steps: 32 }, who: 'last', what: { kind: 'continue' } },
			{ when: { steps: 34 }, who: 0, what: { kind: 'continue' } },
			{ when: { place: 'lock.fill', side: 'after', nth: 0 }, who: 2, what: { kind: 'jump', ms: 3_600_000 } },
		],
	},
	// A sign-in that stood still between writing and looking took its own credential, renewed meanwhile, for another's.
	{
		windows: 2,
		secrets: 'web',
		apart: false,
		deaf: true,
		graceMs: 0,
		graceAnswer: 'new',
		answerMs: 3000,
		paceMs: 15,
		choices: [
			{ pick: 'newest', times: 10 },
			{ pick: 1, times: 9 },
			{ pick: 3, times: 12 },
		],
		moves: [
			{ when: { steps: 8 }, who: 0, what: { kind: 'ask', person: 'ada' } },
			{ when: { steps: 11 }, who: 0, what: { kind: 'signIn', person: 'ada' } },
			{ when: { steps: 29 }, who: 'last', what: { kind: 'continue' } },
			{ when: { steps: 12 }, who: 'self', what: { kind: 'stop' } },
			{ when: { place: 'lock.mkdir', side: 'before', nth: 0 }, who: 1, what: { kind: 'force', person: 'ada' } },
		],
	},
];
