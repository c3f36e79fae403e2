// SPDX-License-Identifier: Apache-2.0
// One batch and its devices.
import { base } from '../lib/api.js';
import { Button, LinkButton } from '../lib/button.js';
import { Donut, Progress } from '../lib/chart.js';
import { LongId } from '../lib/copy.js';
import { Icon } from '../lib/icons.js';
import { html, useEffect, useId, useState } from '../lib/preact.js';
import { links, path, search, to } from '../lib/route.js';
import { Card, count, Facts, many, Waiting, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { useList, useLoad, useSettled } from '../lib/use.js';
import { DeviceState, states, useDeviceActions } from './deviceactions.js';
import { BatchForm } from './batchform.js';
import { BatchState, parts, removeBatch } from './devices.js';

/** @typedef {import('../lib/fleet').Batch} Batch */
/** @typedef {import('../lib/fleet').Device} Device */

/** @type {import('../lib/types').Column<Device>[]} */
const columns = [
	{ id: 'id', title: 'DeviceID', value: (d) => d.id,
		cell: (d) => html`<${LongId} id=${d.id}
			href=${links.device(d.id)} />` },
	{ id: 'state', title: 'State',
		value: (d) => states[d.state]?.[0] ?? d.state,
		cell: (d) => html`<${DeviceState} d=${d} />` },
	{ id: 'until', title: 'Certificate until', value: (d) => d.not_after,
		cell: (d) => html`<${When} at=${d.not_after} />` },
	{ id: 'seen', title: 'Last seen', value: (d) => d.last_seen,
		cell: (d) => html`<${When} at=${d.last_seen} ago
			none="never" />` },
	{ id: 'enrolled', title: 'Enrolled', value: (d) => d.enrolled_at,
		hidden: true,
		cell: (d) => html`<${When} at=${d.enrolled_at} />` },
	{ id: 'renewed', title: 'Renewed', value: (d) => d.renewed_at,
		hidden: true,
		cell: (d) => html`<${When} at=${d.renewed_at} />` },
	{ id: 'issued', title: 'Certificates issued', num: true,
		value: (d) => d.issued ?? 0, hidden: true },
	{ id: 'reason', title: 'Reason', value: (d) => d.reason, wide: true,
		hidden: true },
];

/** @param {string} text what stands in the box of the prefix */
const asPrefix = (text) => text.trim().toLowerCase();

/** @param {{ name: string, state: string, prefix: string,
 *	setPrefix: (text: string) => void }} props */
function Filters({ name, state, prefix, setPrefix }) {
	const id = useId();
	const wrong = !/^[0-9a-f]{0,64}$/.test(asPrefix(prefix));
	const choices = [['', 'All devices'],
		...Object.entries(states).map(([k, [label]]) => [k, label]),
		['waiting', 'Waiting for approval']];

	return html`<div class="filter-box"><${Icon} name="search" />
		<input type="search" aria-label="Search by DeviceID"
			placeholder="DeviceID begins with" value=${prefix}
			maxlength="64" spellcheck=${false} aria-invalid=${wrong ? 'true' : undefined}
			aria-describedby=${wrong ? id : undefined}
			onInput=${(/** @type {any} */ e) =>
				setPrefix(e.currentTarget.value)} />
		${wrong && html`<small class="bad" id=${id}>only 0-9 and
			a-f</small>`}</div>
	<select aria-label="State" class="narrow"
		onChange=${(/** @type {any} */ e) => {
			location.hash = to('/devices/' + encodeURIComponent(name),
				{ state: e.currentTarget.value });
		}}>
		${choices.map(([value, label]) => html`<option value=${value}
			key=${value} selected=${value === state}>${label}</option>`)}
	</select>`;
}

/** @param {{ b: Batch }} props */
function Overview({ b }) {
	const total = b.counts?.devices ?? 0;

	return html`<div class="dash-two batch-top">
		<${Card} title="Devices">
			<${Donut} label="Devices of ${b.name}" total=${total}
				unit=${total === 1 ? 'device' : 'devices'}
				parts=${parts(b.counts)} />
			${b.loading && html`<p>Devices are being loaded:
				${' '}${count(b.loading.done)}${b.loading.total &&
					` of ${count(b.loading.total)}`}</p>
				<${Progress} label="Loading" done=${b.loading.done}
					total=${b.loading.total ?? 0} />`}
		</>
		<${Card} title="Batch">
			<${Facts} items=${[
				['Policy', html`<a href="#/policies">${b.policy}</a>`],
				['Description', b.description],
				['Firmware', b.firmware],
				['Signing key', b.signing_key],
				['Attributes of its firmware', (b.filter ?? []).map(
					(a) => `${a.name} = ${a.value}`).join(', ')],
				['Renewed devices', b.counts?.renewed ?
					count(b.counts.renewed) : ''],
				['Tokens', b.token_alone && 'A token is enough'],
				['Created', html`<${When} at=${b.created_at} />`],
			]} />
		</>
	</div>`;
}

/** @param {{ b: Batch, state: string, onAdd: () => void }} props */
function List({ b, state, onAdd }) {
	const [text, setText] = useState('');
	const settled = useSettled(asPrefix(text));
	const prefix = /^[0-9a-f]*$/.test(settled) ? settled : '';
	const waiting = state === 'waiting';
	const filter = {
		prefix, state: waiting ? '' : state, waiting: waiting ? 'true' : '',
	};
	const list = useList(path`/batches/${b.name}/devices`, filter,
		{ live: ['device', 'batch'], limit: 50 });
	const { actions, dialogs } = useDeviceActions(list.onReload);

	return html`<${Table} id="devices" label="Devices of ${b.name}" ...${list}
		columns=${columns} actions=${actions} filter=${false}
		filtered=${!!prefix || !!state} onClear=${() => {
			setText('');
			location.hash = links.batch(b.name);
		}}
		rowKey=${(/** @type {Device} */ d) => d.id}
		filters=${html`<${Filters} name=${b.name} state=${state}
			prefix=${text} setPrefix=${setText} />`}
		toolbar=${html`<${LinkButton} icon="download"
			download="${b.name}.csv"
			href="${base + path`/batches/${b.name}/devices.csv`}?${
				search(filter)}">Export CSV</>`}
		empty=${{ title: 'No devices in this batch yet',
			text: 'Add DeviceIDs by hand, or a file of them.',
			action: html`<${Button} kind="primary" icon="plus"
				run=${onAdd}>Add devices</>` }} />${dialogs}`;
}

/** @param {{ params: Record<string, string>,
 *	query: Record<string, string> }} props */
function BatchPage({ params, query }) {
	const of = useLoad(path`/batches/${params.name}`, {},
		['batch', 'device']);
	const [edit, setEdit] = useState(false);
	/** @type {Batch | undefined} */
	const b = of.data;
	const close = () => {
		setEdit(false);
		of.reload();
	};

	useEffect(() => {
		if (b)
			document.title = document.title.replace(/^Batch –/,
				`Batch ${b.name} –`);
	}, [b?.name]);
	return html`<nav class="crumbs" aria-label="Where this is">
		<a href="#/devices">Batches</a></nav>
	${!b || of.error ? html`<${Waiting} of=${of} />` : html`
	<div class="heading"><div><h2>${b.name} <${BatchState} b=${b} /></h2>
		<p>${many(b.counts?.devices ?? 0, 'device')}, policy
		${' '}${b.policy}</p></div>
		<div class="heading-side">
			<${Button} icon="edit" disabled=${b.deleting}
				run=${() => setEdit(true)}>Edit</>
			<${Button} icon="trash" disabled=${b.deleting}
				run=${async () => {
					if (await removeBatch(b))
						location.hash = '#/devices';
				}}>Delete</>
		</div></div>
	<${Overview} b=${b} />
	<${List} b=${b} state=${query.state ?? ''}
		onAdd=${() => setEdit(true)} />
	${edit && html`<${BatchForm} batch=${b} onDone=${close}
		onClose=${close} />`}`}`;
}

export const page = {
	path: '/devices/:name', title: 'Batch', home: '/devices',
	view: BatchPage,
};
