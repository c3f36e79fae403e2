// SPDX-License-Identifier: Apache-2.0
// Tokens (guide, section 9.2): what firmware brings to prove whose it is.
import { del, post } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { Copy, LongId } from '../lib/copy.js';
import { confirm, Dialog } from '../lib/dialog.js';
import { Alert, Buttons, Input, Select, useForm } from '../lib/form.js';
import { validity } from '../lib/chain.js';
import { html, useId, useState } from '../lib/preact.js';
import { links, path } from '../lib/route.js';
import { isAdmin } from '../lib/session.js';
import { Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { utc } from '../lib/time.js';
import { toast } from '../lib/toast.js';
import { useList, useLoad } from '../lib/use.js';

/** @typedef {{ name: string, value: string, batch: string,
 *	not_before?: string, not_after?: string, created_at?: string,
 *	etag?: string }} Token */

/** @param {{ t: Token }} props */
function TokenState({ t }) {
	const v = validity({ id: t.name, ...t });

	return v === 'expired' ? html` <${Pill} color="red">Expired</>` :
		v === 'early' ? html` <${Pill}>Not valid yet</>` : null;
}

/** Tokens begin and end with a day in UTC. @param {{ at?: string }} props */
function Day({ at }) {
	return at ? html`<time datetime=${at} title=${utc(at)}>${at.slice(0, 10)}
		</time>` : null;
}

/** @type {import('../lib/types').Column<Token>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (t) => t.name,
		cell: (t) => html`${t.name}<${TokenState} t=${t} />` },
	{ id: 'value', title: 'Value', value: (t) => t.value, sort: false,
		cell: (t) => html`<${LongId} id=${t.value} what="Token" whole />` },
	{ id: 'batch', title: 'Batch', value: (t) => t.batch,
		cell: (t) => html`<a href=${links.batch(t.batch)}>${t.batch}</a>` },
	{ id: 'from', title: 'Not Before', value: (t) => t.not_before,
		cell: (t) => html`<${Day} at=${t.not_before} />` },
	{ id: 'to', title: 'Not After', value: (t) => t.not_after,
		cell: (t) => html`<${Day} at=${t.not_after} />` },
	{ id: 'created', title: 'Created', value: (t) => t.created_at,
		cell: (t) => html`<${When} at=${t.created_at} />`, hidden: true },
];

/** The value, made by the appliance. @param {{ t: Token | null }} props */
function Value({ t }) {
	const id = useId();

	return html`<div class="field"><label for=${id}>Value</label>
		<div class="beside"><input id=${id} type="text" readonly class="mono"
			value=${t?.value ?? ''} aria-describedby="${id}-h"
			placeholder="made by the appliance when it is saved" />
		${t && html`<${Copy} text=${t.value} what="Token" words />`}</div>
		<p class="help" id="${id}-h">${t ?
			'Embed it in the firmware of the devices.' :
			'A random value of 128 bits or more, that nobody chooses.'}</p>
	</div>`;
}

/** The day so many days from now. @param {number} n */
const day = (n) => new Date(Date.now() + n * 86400000).toISOString()
	.slice(0, 10);

/** @param {{ onMade: () => unknown, onClose: () => void }} props */
function Create({ onMade, onClose }) {
	const batches = useLoad('/batches', { limit: 1000 });
	const [made, setMade] = useState(/** @type {Token | null} */ (null));
	const f = useForm({
		name: '', batch: '', not_before: day(0), not_after: day(365),
	}, async (v) => {
		setMade(await post('/tokens', {
			name: v.name, batch: v.batch,
			not_before: `${v.not_before}T00:00:00Z`,
			not_after: `${v.not_after}T00:00:00Z`,
		}));
		toast(`Token ${v.name} created`);
		onMade();
	});
	const none = batches.data?.items?.length === 0;

	return html`<${Dialog} title=${made ? `Token ${made.name}` :
			'Create Token'} onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Input} f=${f} name="name" label="Name" required autofocus
				disabled=${!!made} maxlength="64" autocomplete="off" />
			<${Value} t=${made} />
			<${Select} f=${f} name="batch" label="Select Batch" required
				disabled=${!!made} empty="Select a batch"
				options=${(batches.data?.items ?? []).map(
					(/** @type {any} */ b) => b.name)}
				help=${none && html`There is no batch yet:
					<a href="#/devices">create one</a> first.`} />
			<div class="columns">
				<${Input} f=${f} name="not_before" label="Not Before"
					type="date" required disabled=${!!made}
					help="It is valid from this day on, UTC." />
				<${Input} f=${f} name="not_after" label="Not After"
					type="date" required disabled=${!!made}
					help="It is not valid from this day on." />
			</div>
			${made ? html`<div class="buttons"><${Button} kind="primary"
				run=${onClose}>Done</></div>` : html`<${Buttons} f=${f}
				action="Save" onCancel=${onClose} />`}
		</form>
	</>`;
}

/** @param {Token} t */
async function remove(t) {
	if (!await confirm({
		title: `Delete token ${t.name}?`, action: 'Delete',
		text: 'Devices that enrolled with it keep their certificates.',
		lost: [`its value: no device can enrol into ${t.batch} with it any ` +
			'more, and the same value is not made again'],
	}))
		return false;
	await del(path`/tokens/${t.name}`, t.etag);
	toast(`Token ${t.name} deleted`);
	return true;
}

export function Tokens() {
	const list = useList('/tokens', {}, { live: ['token'], limit: 1000 });
	const [open, setOpen] = useState(false);
	const create = isAdmin() && html`<${Button} kind="primary" icon="plus"
		run=${() => setOpen(true)}>Create Token</>`;

	return html`<p class="lead">A token in the firmware proves that a device
		is yours, where its certificate says only who made its chip. It is the
		same for all devices of a batch.</p>
	<${Table} id="tokens" label="Tokens" ...${list} columns=${columns}
		rowKey=${(/** @type {Token} */ t) => t.name} sort="name"
		toolbar=${create} actions=${isAdmin() ? [
			{ label: 'Delete', icon: 'trash', danger: true,
				run: async (/** @type {Token} */ t) =>
					await remove(t) && list.onReload() },
		] : []} empty=${{ title: 'No tokens yet', text: isAdmin() ?
			'Create one and embed its value in your firmware.' :
			'An administrator can create one.', action: create }} />
	${open && html`<${Create} onMade=${list.onReload}
		onClose=${() => setOpen(false)} />`}`;
}
