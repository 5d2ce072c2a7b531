/**
 * Runs a property over many damaged inputs and says how many: seed, cases, faults, survived, lost. `AGENT_AUTH_FUZZ_FACTOR`
 * multiplies the cases, `AGENT_AUTH_FUZZ_SEED` repeats a run.
 */
import fc from 'fast-check';

const FACTOR = Number(process.env.AGENT_AUTH_FUZZ_FACTOR ?? '1');
const SEED = Number(process.env.AGENT_AUTH_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** What a case counts. */
export type Tally = {
	/** The input of this case was damaged, or something failed on purpose. */
	fault(): void;
};

export type FuzzOptions = {
	/** Cases of the short form. */
	readonly cases: number;
	/** Longest time of one case. */
	readonly limitMs?: number;
};

/** Rejects with the smallest case that fails, its seed and its path. */
export async function fuzz<T>(
	name: string,
	arbitrary: fc.Arbitrary<T>,
	{ cases, limitMs = 2000 }: FuzzOptions,
	check: (input: T, tally: Tally) => Promise<void> | void,
): Promise<void> {
	const runs = Math.ceil(cases * FACTOR);
	let tried = 0;
	let faults = 0;
	let survived = 0;
	const property = fc.asyncProperty(arbitrary, async (input) => {
		tried += 1;
		let isFault = false;
		const startedAt = performance.now();
		await check(input, {
			fault: () => {
				isFault = true;
			},
		});
		if (performance.now() - startedAt > limitMs) throw new Error(`took longer than ${limitMs} ms`);
		if (isFault) faults += 1;
		survived += 1;
	});
	try {
		// The time limit above finds slow cases; this one finds those that never end.
		await fc.assert(property, { numRuns: runs, seed: SEED, timeout: limitMs * 5 });
	} finally {
		console.log(
			`  fuzz ${name}: ${tried} cases, ${faults} faults, ${survived} survived, ${tried - survived} lost, seed ${SEED}`,
		);
	}
}

/** Values that programs trip over. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
	fc.constantFrom<unknown>(
		null,
		true,
		'',
		' ',
		0,
		-1,
		-0,
		1e308,
		5e-324,
		2 ** 53,
		2 ** 31,
		'__proto__',
		'constructor',
		'../../../../etc/passwd',
		'..\\..\\x',
		'a\0b',
		'\ud800',
		'\u202e',
		'x\r\nSet-Cookie: a=b',
		'%USERPROFILE%',
		[],
		{},
		[[]],
	),
	fc.string({ unit: 'binary', maxLength: 40 }),
	fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<unknown>,
	fc.integer({ min: 1, max: 20_000 }).map((length) => 'y'.repeat(length)),
	fc.integer({ min: 1, max: 2000 }).map((depth) => nested(depth)),
);

function nested(depth: number): unknown {
	let value: unknown = 1;
	for (let level = 0; level < depth; level++) value = [value];
	return value;
}

export type Damage =
	| { readonly kind: 'none' }
	| { readonly kind: 'cut'; readonly share: number }
	| { readonly kind: 'flip'; readonly at: number; readonly bit: number }
	| { readonly kind: 'replace'; readonly at: number; readonly value: unknown }
	| { readonly kind: 'drop'; readonly at: number }
	| { readonly kind: 'add'; readonly key: string; readonly value: unknown }
	| { readonly kind: 'garbage'; readonly bytes: Uint8Array }
	/** A number that JSON can write and no double can hold. */
	| { readonly kind: 'infinite'; readonly at: number }
	| { readonly kind: 'twice' };

const share = fc.double({ min: 0, max: 1, noNaN: true });
const key = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString', 'schema', 'kind', 'version'), fc.string());

export const damage: fc.Arbitrary<Damage> = fc.oneof(
	fc.constant<Damage>({ kind: 'none' }),
	fc.record({ kind: fc.constant('cut' as const), share }),
	fc.record({ kind: fc.constant('flip' as const), at: share, bit: fc.nat(7) }),
	{ arbitrary: fc.record({ kind: fc.constant('replace' as const), at: share, value: oddValue }), weight: 4 },
	fc.record({ kind: fc.constant('drop' as const), at: share }),
	fc.record({ kind: fc.constant('add' as const), key, value: oddValue }),
	fc.record({ kind: fc.constant('garbage' as const), bytes: fc.uint8Array({ maxLength: 200 }) }),
	fc.record({ kind: fc.constant('infinite' as const), at: share }),
	fc.constant<Damage>({ kind: 'twice' }),
);

/** A JSON document as it looks after this happened to it. */
export function damaged(value: unknown, what: Damage): Buffer {
	const bytes = Buffer.from(JSON.stringify(value));
	switch (what.kind) {
		case 'none':
			return bytes;
		case 'cut':
			return bytes.subarray(0, Math.floor(bytes.length * what.share));
		case 'flip': {
			const at = Math.min(bytes.length - 1, Math.floor(bytes.length * what.at));
			bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << what.bit), at);
			return bytes;
		}
		case 'garbage':
			return Buffer.from(what.bytes);
		case 'infinite': {
			const text = bytes.toString('utf8');
			const numbers = [...text.matchAll(/(?<=":)\d+/g)];
			const found = numbers[Math.min(numbers.length - 1, Math.floor(numbers.length * what.at))];
			if (found === undefined) return bytes;
			return Buffer.from(`${text.slice(0, found.index)}1e999${text.slice(found.index + found[0].length)}`);
		}
		case 'twice':
			return Buffer.concat([bytes, bytes]);
		case 'add':
			// Written as text: an object literal would set a prototype instead.
			return Buffer.from(
				bytes.toString('utf8').replace(/\}\s*$/, `,${JSON.stringify(what.key)}:${JSON.stringify(what.value)}}`),
			);
		default: {
			const paths = pathsOf(value, []);
			const path = paths[Math.min(paths.length - 1, Math.floor(paths.length * what.at))] ?? [];
			return Buffer.from(JSON.stringify(changedAt(value, path, what.kind === 'drop' ? undefined : what.value)));
		}
	}
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown, path: Path): Path[] {
	if (typeof value !== 'object' || value === null) return [path];
	const inner = Array.isArray(value)
		? value.flatMap((item: unknown, index) => pathsOf(item, [...path, index]))
		: Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name]));
	return path.length === 0 ? inner : [path, ...inner];
}

function changedAt(value: unknown, [head, ...rest]: Path, next: unknown): unknown {
	if (head === undefined) return next;
	if (Array.isArray(value)) return value.map((item, index) => (index === head ? changedAt(item, rest, next) : item));
	if (typeof value !== 'object' || value === null) return next;
	return Object.fromEntries(
		Object.entries(value).map(([name, item]) => [name, name === head ? changedAt(item, rest, next) : item]),
	);
}
