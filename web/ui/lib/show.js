// SPDX-License-Identifier: Apache-2.0
// Small things to look at: times, numbers, states, facts, tabs.
import { Button } from './button.js';
import { html, useEffect, useRef } from './preact.js';
import { fromNow, local, utc } from './time.js';

const numbers = new Intl.NumberFormat();

/** 1234567 as '1,234,567'. @param {number | undefined | null} n */
export const count = (n) => n === undefined || n === null ? '' :
	numbers.format(n);

/** '1 device', '3 devices'. @param {number} n @param {string} one */
export const many = (n, one) => `${count(n)} ${one}${n === 1 ? '' :
	/(s|ch|x)$/.test(one) ? 'es' : 's'}`.replace(/ys$/, 'ies');

/**
 * A time in the reader's zone, UTC on hover.
 * @param {{ at?: string | null, ago?: boolean, none?: string }} props ago:
 *	'3 days ago' instead; none: what absent means, 'never'
 */
export function When({ at, ago, none = '' }) {
	if (!at)
		return none;
	return html`<time datetime=${at} title=${ago ?
		`${local(at)} (${utc(at)})` : utc(at)}>
		${ago ? fromNow(at) : local(at)}</time>`;
}

/**
 * A state as a coloured pill.
 * @param {{ color?: 'green' | 'orange' | 'red' | 'grey' | 'blue' | 'ink',
 *	children?: any }} props
 */
export function Pill({ color = 'grey', children }) {
	return html`<span class="pill ${color}">${children}</span>`;
}

/**
 * Facts as a list of terms: items [[term, value], ...]; an empty value is
 * left out.
 * @param {{ items: [string, any][] }} props
 */
export function Facts({ items }) {
	return html`<dl class="facts">${items.filter(([, v]) =>
		v !== undefined && v !== null && v !== '' && v !== false)
		.map(([term, v]) => html`<div><dt>${term}</dt><dd>${v}</dd></div>`)}
	</dl>`;
}

/**
 * Tabs that are links: items [{ id, label, href }], on: the id of this one.
 * @param {{ label: string, on: string,
 *	items: { id: string, label: any, href: string }[] }} props
 */
export function Tabs({ label, on, items }) {
	/** @type {{ current: HTMLElement | null }} */
	const nav = useRef(null);

	// On a phone the tabs are wider than the screen.
	useEffect(() => {
		nav.current?.querySelector('[aria-current]')?.scrollIntoView(
			{ block: 'nearest', inline: 'center' });
	}, [on]);
	return html`<nav class="tabs" aria-label=${label} ref=${nav}>
		${items.map((t) => html`<a href=${t.href} key=${t.id}
			aria-current=${t.id === on ? 'page' : undefined}
			>${t.label}</a>`)}</nav>`;
}

/**
 * The head of a page or of a part of it; children stand at the right.
 * @param {{ title: any, text?: any, level?: 1 | 2, children?: any }} props
 */
export function Heading({ title, text, level = 2, children }) {
	return html`<div class="heading"><div>
		${level === 1 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`}
		${text && html`<p>${text}</p>`}</div>
		${children && html`<div class="heading-side">${children}</div>`}
	</div>`;
}

/**
 * A box with a title.
 * @param {{ title?: any, side?: any, class?: string, children?: any }} props
 *	side: what stands at the right of the title
 */
export function Card({ title, side, class: cls, children }) {
	return html`<section class="card ${cls ?? ''}">
		${title && html`<header><h2>${title}</h2>${side}</header>`}
		${children}</section>`;
}

/**
 * What a page shows until its data are there, or why they are not.
 * @param {{ of: { data?: any, error?: any, reload: () => unknown } }} props
 *	of: what useLoad() gave
 */
export function Waiting({ of }) {
	if (!of.error)
		return html`<div class="loading" role="status">
			<span class="hide">Loading</span><i /><i /><i /></div>`;
	return html`<div class="empty" role="alert">
		<h2>${of.error.status === 404 ? 'This does not exist' :
			'This did not work'}</h2>
		<p>${of.error.message}</p>
		${of.error.status !== 404 && html`<${Button} icon="refresh"
			run=${of.reload}>Try again</>`}</div>`;
}
