// SPDX-License-Identifier: Apache-2.0
// Charts: the donut and the bars. SVG, with the figures in words beside it.
import { html } from './preact.js';
import { count } from './show.js';

/** @typedef {{ label: string, value: number, color: 'green' | 'orange' |
 *	'red' | 'grey' | 'blue' | 'ink' }} Part */

/**
 * A ring of parts with the sum in its middle and a legend beside it.
 * @param {{ label: string, unit: string, total: number, parts: Part[] }}
 *	props label: what it is about; unit: what is counted, 'devices'
 */
export function Donut({ label, unit, total, parts }) {
	const sum = parts.reduce((n, p) => n + p.value, 0);
	let from = 0;

	return html`<figure class="donut">
		<svg viewBox="0 0 120 120" role="img" aria-label="${label}: ${
			parts.map((p) => `${p.label} ${count(p.value)}`)
				.join(', ')}">
			<circle class="ring" cx="60" cy="60" r="50" />
			${parts.filter((p) => p.value > 0).map((p) => {
				const part = p.value / sum * 100;
				const at = from;

				from += part;
				// A hair of ground between parts.
				return html`<circle key=${p.label}
					class="part ${p.color}" cx="60" cy="60" r="50"
					pathLength="100" stroke-dashoffset=${-at}
					stroke-dasharray="${part < 100 ?
						Math.max(part - 0.8, 0.4) : 100} 100" />`;
			})}
			<text x="60" y="57" class="donut-n ${total > 99999 ?
				'long' : ''}">${count(total)}</text>
			<text x="60" y="76" class="donut-unit">${unit}</text>
		</svg>
		<figcaption><ul>${parts.map((p) => html`<li key=${p.label}>
			<i class="dot ${p.color}" /><span>${p.label}</span>
			<b>${count(p.value)}</b></li>`)}</ul></figcaption>
	</figure>`;
}

/**
 * One bar of parts, for a row of a table.
 * @param {{ label: string, parts: Part[], total?: number }} props total:
 *	the whole width, the sum of the parts if absent
 */
export function Bar({ label, parts, total }) {
	const sum = Math.max(total ?? 0,
		parts.reduce((n, p) => n + p.value, 0), 1);
	let at = 0;

	return html`<svg class="bar" viewBox="0 0 100 8" role="img"
		preserveAspectRatio="none" aria-label="${label}: ${parts.map((p) =>
			`${p.label} ${count(p.value)}`).join(', ')}">
		<title>${parts.map((p) => `${p.label} ${count(p.value)}`)
			.join(', ')}</title>
		<rect class="ring" width="100" height="8" />
		${parts.filter((p) => p.value > 0).map((p) => {
			const x = at;

			at += p.value / sum * 100;
			return html`<rect key=${p.label} class=${p.color} x=${x}
				width=${Math.max(at - x, 0.7)} height="8" />`;
		})}
	</svg>`;
}

/**
 * How far something is.
 * @param {{ label: string, done: number, total: number }} props
 */
export function Progress({ label, done, total }) {
	return html`<div class="progress"><progress aria-label=${label}
		max=${total || 1} value=${done} />
		<span>${total ? Math.floor(done / total * 100) : 0} %</span></div>`;
}
