/** Everybody who takes part, in the order of the tables. */
import type { Contender } from '../account.ts';
import { agentAuth } from './agentAuth.ts';
import { cliCore } from './cliCore.ts';
import { msalLock } from './msalLock.ts';
import { none } from './none.ts';
import { pi } from './pi.ts';
import { plainLockfile } from './plainLockfile.ts';
import { poll } from './poll.ts';
import { watchReference } from './watchReference.ts';

export const contenders: readonly Contender[] = [
	agentAuth,
	watchReference,
	poll,
	plainLockfile,
	cliCore,
	pi,
	msalLock,
	none,
];

export const OURS = agentAuth.name;
export const REFERENCE = watchReference.name;

export function contenderOf(name: string): Contender {
	const found = contenders.find((contender) => contender.name === name);
	if (found === undefined) throw new Error(`nobody is called ${name}`);
	return found;
}
