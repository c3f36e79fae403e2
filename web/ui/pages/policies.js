// SPDX-License-Identifier: Apache-2.0
// Policies (guide, section 11): what a batch's devices get.
import { del } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { confirm } from '../lib/dialog.js';
import { connections, users } from '../lib/policy.js';
import { html, useState } from '../lib/preact.js';
import { links, path, to } from '../lib/route.js';
import { many, Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { span } from '../lib/time.js';
import { toast } from '../lib/toast.js';
import { useList } from '../lib/use.js';
import { PolicyForm } from './policyform.js';

/** @typedef {import('../lib/fleet').Policy} Policy */

/** @param {{ p: Policy }} props */
function UsedBy({ p }) {
	const n = users(p);

	if (!n)
		return html`<span class="soft">no batch</span>`;
	if (Array.isArray(p.used_by) && n <= 3)
		return p.used_by.map((b, i) => html`${i > 0 && ', '}
			<a href=${links.batch(b)}>${b}</a>`);
	return html`<a href=${to('/devices', { policy: p.name })}
		>${many(n, 'batch')}</a>`;
}

/** @type {import('../lib/types').Column<Policy>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (p) => p.name },
	{ id: 'hub', title: 'IoT Hub Name', value: (p) => p.hub,
		cell: (p) => p.hub || html`<span class="soft">none</span>` },
	{ id: 'issuing', title: 'Issuing Certificate',
		value: (p) => p.issuing?.name || p.issuing?.id,
		cell: (p) => p.issuing ? html`<a href=${to('/hsm',
			{ cert: p.issuing.id })}>${p.issuing.name ||
			p.issuing.id}</a>` : html`<span class="soft">none
			now</span>` },
	{ id: 'autorenew', title: 'Autorenew',
		value: (p) => p.autorenew ? 'Auto' : 'Off',
		cell: (p) => p.autorenew ? html`<${Pill} color="green">Auto</>` :
			html`<${Pill}>Off</>` },
	{ id: 'life', title: 'Life Time', value: (p) => p.device_lifetime,
		cell: (p) => span(p.device_lifetime) },
	{ id: 'used', title: 'Used by', value: (p) => users(p),
		cell: (p) => html`<${UsedBy} p=${p} />` },
	{ id: 'connection', title: 'Type of Connection', hidden: true,
		value: (p) => connections.find((c) =>
			c.value === (p.connection ?? 'iot_hub'))?.label },
	{ id: 'issuing_life', title: 'Issuing life time', hidden: true,
		value: (p) => p.issuing_lifetime,
		cell: (p) => span(p.issuing_lifetime) },
	{ id: 'approve', title: 'Approve new devices', hidden: true,
		value: (p) => !!p.approve },
	{ id: 'created', title: 'Created', hidden: true,
		value: (p) => p.created_at,
		cell: (p) => html`<${When} at=${p.created_at} />` },
];

/** @param {Policy} p */
async function remove(p) {
	if (!await confirm({
		title: `Delete policy ${p.name}?`, action: 'Delete',
		text: 'No batch uses it. Certificates that were issued under it ' +
			'stay valid.',
	}))
		return false;
	await del(path`/policies/${p.name}`, p.etag);
	toast(`Policy ${p.name} deleted`);
	return true;
}

function Policies() {
	const list = useList('/policies', {}, {
		live: ['policy', 'batch', 'cert'],
	});
	const [form, setForm] = useState(
		/** @type {{ policy?: Policy } | null} */ (null));
	const create = html`<${Button} kind="primary" icon="plus"
		run=${() => setForm({})}>Create Policy</>`;
	const close = () => setForm(null);

	return html`<${Table} id="policies" label="Policies" ...${list}
		columns=${columns} rowKey=${(/** @type {Policy} */ p) => p.name}
		sort="name" toolbar=${create} actions=${[
			{ label: 'Edit', icon: 'edit',
				run: (/** @type {Policy} */ p) =>
					setForm({ policy: p }) },
			{ label: 'Delete', icon: 'trash', danger: true,
				disabled: (/** @type {Policy} */ p) => users(p) > 0 &&
					`${many(users(p), 'batch')} use it`,
				run: async (/** @type {Policy} */ p) =>
					await remove(p) && list.onReload() },
		]} empty=${{ title: 'No policies yet',
			text: `A policy says which hub a batch's devices are sent to
			and how long their certificates last. Each batch needs
			one.`, action: create }} />
	${form && html`<${PolicyForm} policy=${form.policy} onClose=${close}
		onDone=${() => {
			close();
			list.onReload();
		}} />`}`;
}

export const page = {
	path: '/policies', title: 'Policies', icon: 'policies', menu: true,
	view: Policies,
};
