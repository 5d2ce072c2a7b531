/**
 * The part of JSON Schema that the manifest uses, checked as VS Code's editor does. A keyword that is not known here
 * fails, so that the manifest cannot say more than the tests check.
 */

export type Schema = { readonly [keyword: string]: unknown };

const ANNOTATIONS: ReadonlySet<string> = new Set([
	'description',
	'markdownDescription',
	'enumDescriptions',
	'markdownEnumDescriptions',
	'patternErrorMessage',
	'defaultSnippets',
	'default',
	'scope',
	'order',
	'format',
	'title',
	// Applied by `if`.
	'then',
]);

/** Pointers to what is wrong; empty if the value is valid. */
export function validate(schema: unknown, value: unknown, at = ''): string[] {
	if (schema === true) return [];
	if (schema === false) return [`${at}: not allowed`];
	if (!isObject(schema)) throw new Error(`no schema at ${at}`);
	return Object.entries(schema).flatMap(([keyword, rule]) => {
		if (ANNOTATIONS.has(keyword)) return [];
		const check = KEYWORDS[keyword];
		if (check === undefined) throw new Error(`unknown keyword ${keyword}`);
		return check(rule, value, at, schema);
	});
}

type Check = (rule: unknown, value: unknown, at: string, schema: Schema) => string[];

const fails = (wrong: boolean, at: string, why: string): string[] => (wrong ? [`${at}: ${why}`] : []);

const KEYWORDS: Readonly<Record<string, Check>> = {
	type: (rule, value, at) =>
		fails(typeOf(value) !== rule && !(rule === 'number' && typeOf(value) === 'integer'), at, 'type'),
	enum: (rule, value, at) => fails(!list(rule).includes(value), at, 'enum'),
	const: (rule, value, at) => fails(rule !== value, at, 'const'),
	pattern: (rule, value, at) =>
		fails(typeof value === 'string' && !new RegExp(String(rule), 'u').test(value), at, 'pattern'),
	maxLength: (rule, value, at) => fails(typeof value === 'string' && value.length > Number(rule), at, 'maxLength'),
	minimum: (rule, value, at) => fails(typeof value === 'number' && value < Number(rule), at, 'minimum'),
	maximum: (rule, value, at) => fails(typeof value === 'number' && value > Number(rule), at, 'maximum'),
	items: (rule, value, at) =>
		Array.isArray(value) ? value.flatMap((item, index) => validate(rule, item, `${at}/${index}`)) : [],
	required: (rule, value, at) =>
		isObject(value) ? list(rule).flatMap((name) => fails(!(String(name) in value), `${at}/${name}`, 'required')) : [],
	properties: (rule, value, at) =>
		isObject(value) && isObject(rule)
			? Object.entries(rule).flatMap(([name, inner]) =>
					name in value ? validate(inner, value[name], `${at}/${name}`) : [],
				)
			: [],
	additionalProperties: (rule, value, at, schema) => {
		if (!isObject(value)) return [];
		const known = isObject(schema.properties) ? schema.properties : {};
		return Object.keys(value).flatMap((name) => (name in known ? [] : validate(rule, value[name], `${at}/${name}`)));
	},
	propertyNames: (rule, value, at) =>
		isObject(value) ? Object.keys(value).flatMap((name) => validate(rule, name, `${at}/${name}`)) : [],
	allOf: (rule, value, at) => list(rule).flatMap((inner) => validate(inner, value, at)),
	anyOf: (rule, value, at) =>
		fails(
			list(rule).every((inner) => validate(inner, value, at).length > 0),
			at,
			'anyOf',
		),
	if: (rule, value, at, schema) =>
		validate(rule, value, at).length === 0 ? validate(schema.then ?? true, value, at) : [],
};

function typeOf(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'array';
	return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value;
}

function list(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Schema {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
