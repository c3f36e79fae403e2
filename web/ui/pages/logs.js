// SPDX-License-Identifier: Apache-2.0
// Logs (user guide, section 15): all activity, newest first.
import { base } from '../lib/api.js';
import { Button, LinkButton } from '../lib/button.js';
import { html, useState } from '../lib/preact.js';
import { search, to } from '../lib/route.js';
import { count, Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { fromInput, toInput } from '../lib/time.js';
import { useList, useLoad, useSettled } from '../lib/use.js';
import { activityColumns } from './dashboard.js';

/** @typedef {Record<string, string>} Filters */

/** @param {{ label: string, children: any }} props */
const Labelled = ({ label, children }) => html`<label class="filter">
	<span>${label}</span>${children}</label>`;

/** @param {{ label: string, name: string, type?: string, values: Filters,
 *	set: (name: string, value: string) => void }} props */
function Box({ label, name, type = 'search', values, set }) {
	return html`<${Labelled} label=${label}><input type=${type}
		value=${values[name] ?? ''} autocomplete="off"
		onInput=${(/** @type {any} */ e) =>
			set(name, e.currentTarget.value)} /></>`;
}

/** @param {{ values: Filters, set: any }} props */
function FilterRow({ values, set }) {
	const kinds = useLoad('/logs/kinds').data?.items ?? [];

	return html`<div class="filters" role="search" aria-label="Logs">
		<${Box} name="from" label="From" type="datetime-local"
			values=${values} set=${set} />
		<${Box} name="to" label="Until" type="datetime-local"
			values=${values} set=${set} />
		<${Box} name="user" label="User" values=${values} set=${set} />
		<${Labelled} label="Kind"><select
			onChange=${(/** @type {any} */ e) =>
				set('kind', e.currentTarget.value)}>
			<option value="" selected=${!values.kind}>All</option>
			${kinds.map((/** @type {string} */ k) => html`<option key=${k}
				value=${k} selected=${k === values.kind}>${k}</option>`)}
		</select></>
		<${Box} name="object" label="Object" values=${values} set=${set} />
		<${Box} name="text" label="Text" values=${values} set=${set} />
	</div>`;
}

/** How far the journal is known to be whole. */
function Journal() {
	const j = useLoad('/journal').data;

	if (!j)
		return null;
	return html`<p class="journal"><${Pill} color=${j.state === 'ok' ?
		'green' : 'orange'}>Journal</>
		${' '}${j.text || `${count(j.records)} records`}
		${j.at && html`, <${When} at=${j.at} />`}</p>`;
}

/** @param {{ query: Filters }} props */
function View({ query }) {
	const [values, setValues] = useState(/** @type {Filters} */ ({
		...query, from: toInput(query.from), to: toInput(query.to),
	}));
	const wanted = {
		user: values.user?.trim(), kind: values.kind,
		object: values.object?.trim(), text: values.text?.trim(),
		from: fromInput(values.from), to: fromInput(values.to),
	};
	const asked = useSettled(JSON.stringify(wanted));
	const filters = JSON.parse(asked);
	const on = search(filters) !== '';
	const list = useList('/logs', filters,
		{ live: on ? [] : ['activity'] });
	/** @param {string} name @param {string} value */
	const set = (name, value) => setValues({ ...values, [name]: value });
	/** @param {string} kind */
	const file = (kind) => `${base}/logs.${kind}?${search(filters)}`;

	// The address tells what is filtered, so that it can be passed on.
	history.replaceState(null, '', to('/logs', filters));
	return html`<${Journal} />
		<${FilterRow} values=${values} set=${set} />
		<${Table} id="logs" label="Logs" ...${list} filter=${false}
			filtered=${on} columns=${activityColumns}
			rowKey=${(/** @type {any} */ r) => r.id}
			toolbar=${html`${on && html`<${Button}
				run=${() => setValues({})}>Clear the filters</>`}
			<${LinkButton} icon="download"
				href=${file('csv')} download="logs.csv">CSV</>
			<${LinkButton} icon="download" href=${file('json')}
				download="logs.json">JSON</>`}
			empty=${{ title: 'Nothing has happened yet', text: `What
				users and devices do shows here.` }} />`;
}

export const page = {
	path: '/logs', title: 'Logs', icon: 'logs', menu: true, view: View,
};
