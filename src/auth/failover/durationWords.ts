/**
 * Units of time as services write them behind a number, in the languages in which services answer. Every word is whole:
 * `min` is no beginning of something else, and `m` is minutes.
 */

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const UNITS: readonly (readonly [ms: number, words: string])[] = [
	[1, 'ms millisecond milliseconds 毫秒'],
	[
		SECOND_MS,
		's sec secs second seconds sekunde sekunden seconde secondes segundo segundos secondo secondi секунда секунды секунду секунд 秒 秒钟 초',
	],
	[
		MINUTE_MS,
		'm min mins minute minutes minuten minuto minutos minuti минута минуты минуту минут 分 分钟 分鐘 分間 분',
	],
	[
		HOUR_MS,
		'h hr hrs hour hours stunde stunden heure heures hora horas ora ore час часа часов 小时 小時 個小時 个小时 時間 시간',
	],
	[DAY_MS, 'd day days tag tage tagen jour jours día días dia dias giorno giorni день дня дней 天 日 일'],
	[
		7 * DAY_MS,
		'w week weeks woche wochen semaine semaines semana semanas settimana settimane неделя недели недель 周 週間 주',
	],
];

const MS_OF = new Map(UNITS.flatMap(([ms, words]) => words.split(' ').map((word) => [word, ms] as const)));

/** Longest first, so that none is cut short by another. */
const WORDS = [...MS_OF.keys()].sort((a, b) => b.length - a.length);

/** A number and its unit, and what may stand before the next. Sticky: the parts must follow each other. */
const PART = new RegExp(
	` ?(?:,|and|und|et|y|e|и)? ?(\\d{1,15}(?:\\.\\d{1,9})?) ?(${WORDS.join('|')})(?![a-zа-яáéíóúñü])`,
	'iuy',
);

/** The duration at the beginning of a text, and how much of the text it is; undefined if there is none. */
export function leadingDuration(text: string): { readonly ms: number; readonly length: number } | undefined {
	let ms = 0;
	let length = 0;
	PART.lastIndex = 0;
	for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
		const [, amount = '', unit = ''] = part;
		ms += Number(amount) * (MS_OF.get(unit.toLowerCase()) ?? 0);
		length = PART.lastIndex;
	}
	return length === 0 ? undefined : { ms, length };
}
