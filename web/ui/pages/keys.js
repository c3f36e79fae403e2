// SPDX-License-Identifier: Apache-2.0
// Signing keys (guide, section 9.3).
import { del } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { download } from '../lib/copy.js';
import { confirm, Dialog } from '../lib/dialog.js';
import { Pem } from '../lib/pem.js';
import { html, useState } from '../lib/preact.js';
import { links, path } from '../lib/route.js';
import { isAdmin } from '../lib/session.js';
import { count, Facts, many, Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toast } from '../lib/toast.js';
import { useList, useLoad } from '../lib/use.js';
import { KeyForm, RulesForm, wantsApproval } from './keyform.js';

/** @typedef {import('../lib/fleet').Key} Key */
/** @typedef {import('../lib/fleet').Rules} Rules */

/** What limits a key, in words. @param {Rules} [r] @param {number} [used] */
function limits(r = {}, used = 0) {
	return [
		r.approvals && `${many(r.approvals, 'approval')} each`,
		r.uses && `${count(used)} of ${many(r.uses, 'signature')}`,
		r.rate && `${count(r.rate)} a minute`,
		r.not_before && Date.parse(r.not_before) > Date.now() &&
			'not valid yet',
		r.not_after && (Date.parse(r.not_after) < Date.now() ?
			'expired' : 'ends'),
	].filter(Boolean).join(', ');
}

/** @type {import('../lib/types').Column<Key>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (k) => k.name },
	{ id: 'type', title: 'Type', value: (k) => k.type },
	{ id: 'size', title: 'Size', value: (k) => k.size,
		cell: (k) => k.size && `${k.size} bit` },
	{ id: 'purpose', title: 'Purpose', value: (k) => k.purpose },
	{ id: 'rules', title: 'Rules', value: (k) => limits(k.rules, k.uses) },
	{ id: 'needed', title: 'Needed by', hidden: true,
		value: (k) => (k.needed_by ?? []).join(', ') },
	{ id: 'used', title: 'Signatures since the start', num: true,
		value: (k) => k.used ?? 0, hidden: true },
	{ id: 'created', title: 'Created', value: (k) => k.created, hidden: true,
		cell: (k) => html`<${When} at=${k.created} />` },
];

/** @param {Key} k */
const file = (k) => `${k.name.replace(/[^\w.-]+/g, '_')}.pub.pem`;

/** @param {{ names: string[] }} props */
function Batches({ names }) {
	return names.map((b, i) => html`${i > 0 && ', '}<a key=${b}
		href=${links.batch(b)}>${b}</a>`);
}

/** @param {{ k: Key, onClose: () => void }} props */
function Show({ k, onClose }) {
	const r = k.rules ?? {};

	return html`<${Dialog} wide title=${k.name} onClose=${onClose}>
		<div class="stack">
		<${Facts} items=${[
			['Type', k.type],
			['Size', k.size && `${k.size} bit`],
			['Purpose', k.purpose],
			['Where it is', k.imported ?
				html`<${Pill} color="orange">Imported</>` : 'Made in the HSM'],
			['Token', k.token ? 'The second one' : ''],
			['Signatures since the start', count(k.used ?? 0)],
			['Rules', limits(r, k.uses) || 'None'],
			['Not before', r.not_before && html`<${When}
				at=${r.not_before} />`],
			['Not after', r.not_after && html`<${When} at=${r.not_after} />`],
			['Approvers', (r.approvers ?? []).join(', ')],
			['Needed by', (k.needed_by ?? []).length > 0 && html`<${Batches}
				names=${k.needed_by} />`],
			['Created', html`<${When} at=${k.created} />`],
		]} />
		${k.public_pem && html`<div><h3>Public key</h3>
			<${Pem} pem=${k.public_pem} file=${file(k)}
				what="Public key" /></div>`}
		</div></>`;
}

/** @param {Key} k */
async function remove(k) {
	if (!await confirm({
		title: `Delete signing key ${k.name}?`, action: 'Delete',
		text: 'What it has signed stays valid for whoever has its public ' +
			'half.',
		lost: ['its private half, for ever: nothing can be signed with it ' +
			'again, and devices that accept only this key can get no new ' +
			'firmware'],
		typed: k.name,
	}))
		return false;
	try {
		await del(path`/keys/${k.id}`);
	} catch (e) {
		if (!wantsApproval(e))
			throw e;
		// Nothing was deleted; the page of approvals tells the rest.
		toast(/** @type {Error} */ (e).message, { kind: 'error' });
		location.hash = '#/approvals';
		return false;
	}
	toast(`Signing key ${k.name} deleted`);
	return true;
}

export function Keys() {
	const admin = isAdmin();
	const list = useList('/keys', {}, {
		live: ['key', 'batch'], limit: 1000,
	});
	const [open, setOpen] = useState(
		/** @type {{ what: 'make' | 'show' | 'rules', k?: Key } | null} */
		(null));
	const close = () => setOpen(null);
	const done = () => {
		close();
		list.onReload();
	};
	const create = admin && html`<${Button} kind="primary" icon="plus"
		run=${() => setOpen({ what: 'make' })}>Create Signing key</>`;
	const k = open?.k;
	const waiting = useLoad(admin ? '/approvals' : '', {},
		['key', 'activity']).data?.items?.length ?? 0;

	return html`<p class="lead">They sign firmware. Devices verify it by the
		public half. ${admin && html`<a href="#/approvals">Approvals</a> are
		where people agree to signatures of keys that want it${waiting > 0 &&
		html`: <${Pill} color="blue">${count(waiting)} waiting</>`}.`}</p>
	<${Table} id="keys" label="Signing Keys" ...${list} columns=${columns}
		rowKey=${(/** @type {Key} */ x) => x.name} sort="name"
		toolbar=${create} actions=${[
			{ label: 'Show', icon: 'search',
				run: (/** @type {Key} */ x) =>
					setOpen({ what: 'show', k: x }) },
			{ label: 'Download public key of', icon: 'download',
				disabled: (/** @type {Key} */ x) => !x.public_pem &&
					'it has none',
				run: (/** @type {Key} */ x) => download(file(x),
					x.public_pem ?? '', 'application/x-pem-file') },
			...admin ? [
				{ label: 'Rules', icon: 'policies',
					run: (/** @type {Key} */ x) =>
						setOpen({ what: 'rules', k: x }) },
				{ label: 'Delete', icon: 'trash', danger: true,
					disabled: (/** @type {Key} */ x) =>
						(x.needed_by?.length ?? 0) > 0 &&
						`${many(x.needed_by?.length ?? 0, 'batch')} need it`,
					run: async (/** @type {Key} */ x) =>
						await remove(x) && list.onReload() },
			] : [],
		]} empty=${{ title: 'No signing keys yet', text: admin ?
			'Create one before you upload firmware.' :
			'An administrator can create one.', action: create }} />
	${open?.what === 'make' && html`<${KeyForm} onDone=${done}
		onClose=${close} />`}
	${open?.what === 'show' && k && html`<${Show} k=${k}
		onClose=${close} />`}
	${open?.what === 'rules' && k && html`<${RulesForm} k=${k}
		onDone=${done} onClose=${close} />`}`;
}
