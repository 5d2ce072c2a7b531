/** The two people of the demo service, who own different accounts, and how they look to a client. */

export type Person = {
	/** Name on the button and subject prefix; what tests say. */
	readonly id: PersonId;
	/** The `sub` claim: stable, and not derived from the email. */
	readonly sub: string;
	readonly name: string;
	readonly email: string;
};

export type PersonId = 'ada' | 'grace';

export const people: Readonly<Record<PersonId, Person>> = {
	ada: { id: 'ada', sub: 'person-0001', name: 'Ada Lovelace', email: 'ada@example.test' },
	grace: { id: 'grace', sub: 'person-0002', name: 'Grace Hopper', email: 'grace@example.test' },
};

export function personById(id: string): Person | undefined {
	return Object.values(people).find((person) => person.id === id);
}

export function personBySub(sub: string): Person | undefined {
	return Object.values(people).find((person) => person.sub === sub);
}
