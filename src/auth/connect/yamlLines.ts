/**
 * Writes a value as block YAML 1.2. Only what is safe without quotes goes without; everything else is a string of JSON, which
 * YAML reads the same (https://yaml.org/spec/1.2.2/, section 1.3).
 */
import type { Value } from './format.ts';

const STEP = '  ';

/** Words that cannot be taken for an indicator, a comment, a key or a number, in YAML 1.1 either. */
const PLAIN = /^[A-Za-z_/][\w./@%+-]*(?: [\w./@%+-]+)*$/;
const OTHER_MEANING = /^(?:null|true|false|yes|no|on|off|y|n)$/i;

/** Control characters that JSON leaves as they are and YAML does not allow. */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

/** @returns the lines of the value, without indentation of their own. */
export function yamlLines(value: Value): string[] {
	if (isList(value) && value.length > 0) return value.flatMap((item) => under('-', yamlLines(item)));
	if (isRecord(value) && Object.keys(value).length > 0) {
		return Object.entries(value).flatMap(([key, field]) => {
			const lines = yamlLines(field);
			return isBlock(field) ? [`${word(key)}:`, ...lines.map((line) => STEP + line)] : under(`${word(key)}:`, lines);
		});
	}
	if (typeof value === 'string') return [word(value)];
	return [JSON.stringify(value)];
}

/** The first line goes behind the indicator, the others under it. */
function under(indicator: string, [first = '', ...others]: readonly string[]): string[] {
	return [`${indicator} ${first}`, ...others.map((line) => STEP + line)];
}

function word(text: string): string {
	if (PLAIN.test(text) && !OTHER_MEANING.test(text)) return text;
	return JSON.stringify(text).replace(
		UNPRINTABLE,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
	);
}

function isBlock(value: Value): boolean {
	return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function isList(value: Value): value is readonly Value[] {
	return Array.isArray(value);
}

function isRecord(value: Value): value is { readonly [key: string]: Value } {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
