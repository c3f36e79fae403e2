// SPDX-License-Identifier: Apache-2.0
// Sessions: where somebody is logged in.
import { html } from './preact.js';
import { Pill, When } from './show.js';
import { Table } from './table.js';

/** 'Firefox on Linux' out of a User-Agent. @param {string} agent */
export function browser(agent = '') {
	const name = [['Edg/', 'Edge'], ['OPR/', 'Opera'],
		['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'],
		['Safari/', 'Safari'], ['curl/', 'curl']]
		.find(([mark]) => agent.includes(mark))?.[1];
	const system = [['Android', 'Android'], ['iPhone', 'iPhone'],
		['iPad', 'iPad'], ['Windows', 'Windows'], ['Mac OS', 'macOS'],
		['Linux', 'Linux']].find(([mark]) => agent.includes(mark))?.[1];

	return name ? system ? `${name} on ${system}` : name : agent;
}

/** @type {import('./types').Column[]} */
const columns = [
	{
		id: 'agent', title: 'Browser',
		value: (s) => browser(s.agent),
		cell: (s) => html`<span title=${s.agent}>${
			browser(s.agent) || 'Unknown'}</span> ${s.current &&
			html`<${Pill} color="green">This one</>`}`,
	},
	{ id: 'from', title: 'From', mono: true, value: (s) => s.from },
	{
		id: 'seen_at', title: 'Last seen', value: (s) => s.seen_at,
		cell: (s) => html`<${When} at=${s.seen_at} ago />`,
	},
	{
		id: 'created_at', title: 'Logged in', value: (s) => s.created_at,
		cell: (s) => html`<${When} at=${s.created_at} />`,
	},
];

/**
 * The table of sessions.
 * @param {{ list: any, end?: (session: any) => unknown, toolbar?: any,
 *	title?: string }} props list: of useList(); end: ends one of them
 */
export function Sessions({ list, end, toolbar, title }) {
	return html`<${Table} id="sessions" label="Sessions" title=${title}
		filter=${false}
		...${list} columns=${columns} toolbar=${toolbar}
		rowKey=${(/** @type {any} */ s) => s.id ?? s.created_at}
		actions=${end ? [{
			label: 'End session', icon: 'logout', danger: true, run: end,
			disabled: (/** @type {any} */ s) => s.current &&
				'use Logout',
		}] : []}
		empty=${{ title: 'No sessions' }} />`;
}
