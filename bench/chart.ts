/** Charts as SVG text, readable on light and dark pages. No library: two kinds of picture. */
import type { Bars, Chart, Lines } from './results.ts';

const WIDTH = 760;
const OURS = '#1a7f37';
const OTHERS = ['#0969da', '#9a6700', '#8250df', '#bf3989', '#57606a', '#cf222e', '#1b7c83', '#bc4c00'];
const STYLE =
	'text{font:12px system-ui,sans-serif;fill:#57606a}.t{font-size:14px;font-weight:600}.o{font-weight:600;fill:#1a7f37}line,path.g{stroke:#8c959f;stroke-opacity:.35}';

export function drawChart(chart: Chart): string {
	return chart.kind === 'bars' ? drawBars(chart) : drawLines(chart);
}

function drawBars({ title, unit, rows }: Bars): string {
	const labelWidth = 250;
	const rowHeight = 24;
	const height = 40 + rows.length * rowHeight + 10;
	const highest = Math.max(...rows.map(({ value }) => value), 1e-9);
	const parts = rows.map(({ label, value, ours }, index) => {
		const y = 40 + index * rowHeight;
		const width = Math.max(1, (value / highest) * (WIDTH - labelWidth - 110));
		return [
			`<text x="${labelWidth - 8}" y="${y + 14}" text-anchor="end"${ours ? ' class="o"' : ''}>${escaped(label)}</text>`,
			`<rect x="${labelWidth}" y="${y + 3}" width="${width.toFixed(1)}" height="15" rx="2" fill="${ours ? OURS : OTHERS[0]}"/>`,
			`<text x="${(labelWidth + width + 6).toFixed(1)}" y="${y + 14}">${short(value)} ${escaped(unit)}</text>`,
		].join('');
	});
	return frame(height, title, parts.join('\n'));
}

/** Both axes logarithmic: what is compared differs by powers of ten. */
function drawLines({ title, unit, axis, series }: Lines): string {
	const [left, top, right, bottom] = [60, 40, WIDTH - 230, 360];
	const points = series.flatMap((line) => line.points);
	if (points.length === 0) return frame(80, title, `<text x="20" y="60">nothing was measured</text>`);
	const xs = points.map(([x]) => x);
	// A wait that ends before the server's time, by a timer's rounding, is drawn as 1.
	const ys = points.map(([, y]) => Math.max(1, y));
	const [lowX, highX] = [Math.min(...xs), Math.max(...xs)];
	const [lowY, highY] = [
		10 ** Math.floor(Math.log10(Math.min(...ys))),
		10 ** Math.ceil(Math.log10(Math.max(...ys) * 1.01)),
	];
	const along = (value: number, low: number, high: number): number =>
		high === low ? 0.5 : (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low));
	const x = (value: number): string => (left + along(value, lowX, highX) * (right - left)).toFixed(1);
	const y = (value: number): string => (bottom - along(Math.max(1, value), lowY, highY) * (bottom - top)).toFixed(1);
	const grid: string[] = [];
	for (let step = lowY; step <= highY; step *= 10)
		grid.push(
			`<line x1="${left}" x2="${right}" y1="${y(step)}" y2="${y(step)}"/><text x="${left - 6}" y="${Number(y(step)) + 4}" text-anchor="end">${step}</text>`,
		);
	for (const value of new Set(xs))
		grid.push(`<text x="${x(value)}" y="${bottom + 18}" text-anchor="middle">${value}</text>`);
	grid.push(`<text x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle">${escaped(axis)}</text>`);
	grid.push(`<text x="${left - 40}" y="${top - 6}">${escaped(unit)}</text>`);
	const lines = series.map(({ label, ours, points: own }, index) => {
		const colour = ours ? OURS : (OTHERS[index % OTHERS.length] ?? OURS);
		const path = own.map(([px, py], at) => `${at === 0 ? 'M' : 'L'}${x(px)} ${y(py)}`).join('');
		const dots = own.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colour}"/>`).join('');
		const at = top + 10 + index * 20;
		return [
			`<path d="${path}" fill="none" stroke="${colour}" stroke-width="${ours ? 3 : 1.5}"/>${dots}`,
			`<rect x="${right + 20}" y="${at - 9}" width="10" height="10" fill="${colour}"/>`,
			`<text x="${right + 36}" y="${at}"${ours ? ' class="o"' : ''}>${escaped(own.length > 0 ? label : `${label} (none)`)}</text>`,
		].join('');
	});
	return frame(bottom + 50, title, [...grid, ...lines].join('\n'));
}

function frame(height: number, title: string, content: string): string {
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
<text x="12" y="22" class="t">${escaped(title)}</text>
${content}
</svg>
`;
}

function short(value: number): string {
	return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
