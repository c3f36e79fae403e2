// SPDX-License-Identifier: Apache-2.0
// Batches of devices (guide, section 8).
import { del } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { Bar } from '../lib/chart.js';
import { confirm } from '../lib/dialog.js';
import { html, useState } from '../lib/preact.js';
import { links, path, to } from '../lib/route.js';
import { count, many, Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toast } from '../lib/toast.js';
import { useList } from '../lib/use.js';
import { BatchForm } from './batchform.js';

/** @typedef {import('../lib/fleet').Batch} Batch */
/** @typedef {import('../lib/fleet').Counts} Counts */

/** What is being done to a batch. @param {{ b: Batch }} props */
export function BatchState({ b }) {
	if (b.deleting)
		return html`<${Pill} color="red">being deleted</>`;
	if (!b.loading)
		return null;
	const { done, total } = b.loading;

	return html`<${Pill} color="blue">loading ${total ?
		`${Math.floor(done / total * 100)} %` : count(done)}</>`;
}

/** The parts that a batch's devices are in. @param {Counts} [c]
 * @returns {import('../lib/chart').Part[]} */
export const parts = (c = {}) => [
	{ label: 'Enrolled', value: c.enrolled ?? 0, color: 'green' },
	{ label: 'Expired', value: c.expired ?? 0, color: 'ink' },
	{ label: 'Revoked', value: c.revoked ?? 0, color: 'red' },
	{ label: 'Not enrolled', value: c.not_enrolled ?? 0, color: 'grey' },
];

/**
 * A column of one count with its bar.
 * @param {keyof Counts} id
 * @param {string} title
 * @param {import('../lib/chart').Part['color']} [color] without: all parts
 * @returns {import('../lib/types').Column<Batch>}
 */
const counted = (id, title, color) => ({
	id, title, num: true, value: (b) => b.counts?.[id] ?? 0,
	cell: (b) => html`<div class="counted">
		<span>${count(b.counts?.[id] ?? 0)}</span>
		<${Bar} label=${title} total=${b.counts?.devices ?? 0}
			parts=${color ? [{ label: title, color,
				value: b.counts?.[id] ?? 0 }] : parts(b.counts)} /></div>`,
});

/** @type {import('../lib/types').Column<Batch>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (b) => b.name,
		cell: (b) => html`<a href=${links.batch(b.name)}>${b.name}</a>
			${' '}<${BatchState} b=${b} />` },
	counted('devices', 'Devices'),
	counted('enrolled', 'Enrolled', 'green'),
	counted('expired', 'Expired', 'ink'),
	counted('revoked', 'Revoked', 'red'),
	{ id: 'policy', title: 'Policy Name', value: (b) => b.policy },
	{ ...counted('not_enrolled', 'Not enrolled', 'grey'), hidden: true },
	{ ...counted('renewed', 'Renewed', 'blue'), hidden: true },
	{ id: 'firmware', title: 'Firmware', value: (b) => b.firmware,
		hidden: true },
	{ id: 'key', title: 'Signing Key', value: (b) => b.signing_key,
		hidden: true },
	{ id: 'description', title: 'Description', wide: true, hidden: true,
		value: (b) => b.description },
	{ id: 'created', title: 'Created', value: (b) => b.created_at,
		cell: (b) => html`<${When} at=${b.created_at} />`, hidden: true },
];

/**
 * Delete a batch, naming what goes with it.
 * @param {Batch} b
 * @returns {Promise<boolean>} it is being deleted
 */
export async function removeBatch(b) {
	const c = b.counts ?? {};
	const all = c.devices ?? 0;
	const held = (c.enrolled ?? 0) + (c.expired ?? 0);

	if (!await confirm({
		title: `Delete batch ${b.name}?`, action: 'Delete',
		text: all ? 'Its devices are deleted with it, and deleting a ' +
			'device revokes it. This cannot be undone.' :
			'It has no devices.',
		lost: all ? [
			`${many(all, 'device')}, unknown from then on; what was ` +
			`done with ${all === 1 ? 'it' : 'them'} stays in the logs`,
			...held ? [`the certificates of ${many(held, 'device')}, ` +
				'which are revoked: connections end at once'] : [],
		] : [],
		typed: all >= 100 ? b.name : undefined,
	}))
		return false;
	await del(path`/batches/${b.name}`, b.etag);
	toast(`Batch ${b.name} is being deleted`);
	return true;
}

/** @param {{ policy: string }} props */
function OnlyPolicy({ policy }) {
	return policy && html`<p class="only">Batches with the policy
		${' '}<b>${policy}</b>${' '}
		<a href=${to('/devices')}>Show all</a></p>`;
}

/** @param {{ query: Record<string, string> }} props */
function Devices({ query }) {
	const list = useList('/batches', {}, {
		live: ['batch', 'device'], limit: 1000,
	});
	const [form, setForm] = useState(/** @type {{ batch?: Batch } | null} */
		(query.create ? {} : null));
	const create = html`<${Button} kind="primary" icon="plus"
		run=${() => setForm({})}>Create Batch</>`;
	const close = () => {
		setForm(null);
		if (query.create)
			location.replace(to('/devices'));
		list.onReload();
	};
	const only = query.policy ?? '';

	return html`<${OnlyPolicy} policy=${only} />
	<${Table} id="batches" label="Batches" ...${list}
		rows=${only ? list.rows?.filter((b) => b.policy === only) :
			list.rows} filtered=${!!only}
		columns=${columns} rowKey=${(/** @type {Batch} */ b) => b.name}
		sort="name" toolbar=${create}
		rowClass=${(/** @type {Batch} */ b) => b.deleting ? 'dim' : ''}
		actions=${[
			{ label: 'Edit', icon: 'edit',
				disabled: (/** @type {Batch} */ b) =>
					b.deleting && 'it is being deleted',
				run: (/** @type {Batch} */ batch) =>
					setForm({ batch }) },
			{ label: 'Delete', icon: 'trash', danger: true,
				disabled: (/** @type {Batch} */ b) =>
					b.deleting && 'it is being deleted',
				run: async (/** @type {Batch} */ b) =>
					await removeBatch(b) && list.onReload() },
		]} empty=${{ title: 'No batches yet',
			text: `A batch is a group of devices with one policy. Create
			one and add the DeviceIDs of your devices: they can enrol from
			then on.`, action: create }} />
	${form && html`<${BatchForm} batch=${form.batch} onDone=${close}
		onClose=${close} />`}`;
}

export const page = {
	path: '/devices', title: 'Devices', icon: 'devices', menu: true,
	view: Devices,
};
