// SPDX-License-Identifier: Apache-2.0
// Auth Certs (guide, section 9.1): who has signed what devices come with.
import { del, post } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { confirm, Dialog } from '../lib/dialog.js';
import {
	Alert, Area, Buttons, Check, FileField, Input, Select, useForm,
} from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { links, path } from '../lib/route.js';
import { isAdmin } from '../lib/session.js';
import { When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toast } from '../lib/toast.js';
import { useList, useLoad } from '../lib/use.js';
import { CertDialog, certName, CertState, namesOf } from './certview.js';

/** @typedef {import('../lib/fleet').Cert & { must_preregister?: boolean,
 *	requires_token?: boolean, batch?: string, etag?: string }} AuthCert */

/** @type {import('../lib/types').Column<AuthCert>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: certName },
	{ id: 'subject', title: 'Subject', value: (c) => c.subject,
		wide: true },
	{ id: 'state', title: 'State', value: (c) => c.not_after,
		cell: (c) => html`<${CertState} c=${c} />` },
	{ id: 'pre', title: 'Must Pre-Register',
		value: (c) => !!c.must_preregister },
	{ id: 'token', title: 'Requires Token', value: (c) => !!c.requires_token },
	{ id: 'batch', title: 'Batch', value: (c) => c.batch,
		cell: (c) => c.batch && html`<a href=${links.batch(c.batch)}
			>${c.batch}</a>` },
	{ id: 'to', title: 'Not After', value: (c) => c.not_after,
		cell: (c) => html`<${When} at=${c.not_after} />` },
	{ id: 'issuer', title: 'Issuer', value: (c) => c.issuer, hidden: true },
	{ id: 'fingerprint', title: 'SHA-256 fingerprint', mono: true,
		wide: true, value: (c) => c.fingerprint ?? c.id, hidden: true },
];

/** @param {{ onDone: () => unknown, onClose: () => void }} props */
function Add({ onDone, onClose }) {
	const batches = useLoad('/batches', { limit: 1000 });
	const f = useForm({
		pem: '', file: null, name: '', must_preregister: false,
		requires_token: false, batch: '',
	}, async (v) => {
		const { file, ...rest } = v;
		const made = await post('/auth-certs', rest);

		toast(`Certificate ${certName(made ?? { id: v.name })} added`);
		onDone();
	});

	return html`<${Dialog} wide title="Add Certificate" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Area} f=${f} name="pem" label="Certificate PEM" mono
				rows=${8} required autofocus
				placeholder="-----BEGIN CERTIFICATE-----"
				help="The certificate of the CA that signed what your
				devices come with." />
			<${FileField} f=${f} name="file" label="PEM file"
				accept=".pem,.crt,.cer,.txt" onFile=${(
					/** @type {File} */ _,
					/** @type {string} */ text) => f.set('pem', text)} />
			<${Input} f=${f} name="name" label="Name" maxlength="64"
				autocomplete="off" help="Without one it is called as its
				subject says." />
			<${Check} f=${f} name="must_preregister"
				label="Must Pre-Register Device IDs" help="Only devices
				whose DeviceID is in a batch may come in." />
			<${Check} f=${f} name="requires_token" label="Requires Token"
				help="Only devices that bring a token of the batch may
				come in." />
			<${Select} f=${f} name="batch" label="Select batch"
				required=${!f.values.must_preregister ||
					f.values.requires_token}
				empty="No batch" options=${(batches.data?.items ?? [])
					.map((/** @type {any} */ b) => b.name)}
				help=${batches.data?.items?.length === 0 ?
					html`There is no batch yet: <a href="#/devices">create
					one</a> first.` :
					'Unknown devices that may come in go into it.'} />
			<${Buttons} f=${f} action="Save" onCancel=${onClose} />
		</form>
	</>`;
}

/** @param {AuthCert} c */
async function remove(c) {
	if (!await confirm({
		title: `Delete certificate ${certName(c)}?`, action: 'Delete',
		text: 'Devices that enrolled by it keep their certificates.',
		lost: ['the way in for devices whose certificates it has signed, ' +
			'unless their DeviceIDs are in a batch'],
	}))
		return false;
	await del(path`/auth-certs/${c.id}`, c.etag);
	toast(`Certificate ${certName(c)} deleted`);
	return true;
}

export function AuthCerts() {
	const list = useList('/auth-certs', {}, {
		live: ['auth_cert'], limit: 1000,
	});
	const [adding, setAdding] = useState(false);
	const [shown, setShown] = useState(/** @type {AuthCert | null} */ (null));
	const add = isAdmin() && html`<${Button} kind="primary" icon="plus"
		run=${() => setAdding(true)}>Add Certificate</>`;
	const close = () => setAdding(false);

	return html`<p class="lead">Devices may come with keys and certificates
		from their makers. Import the certificate of the CA that signed those,
		and say who may come in by it.</p>
	<${Table} id="auth-certs" label="Auth Certs" ...${list}
		columns=${columns} rowKey=${namesOf(list.rows ?? [])} sort="name" toolbar=${add}
		actions=${[
			{ label: 'Show', icon: 'search', run: setShown },
			...isAdmin() ? [{ label: 'Delete', icon: 'trash', danger: true,
				run: async (/** @type {AuthCert} */ c) =>
					await remove(c) && list.onReload() }] : [],
		]} empty=${{ title: 'No Auth Certs yet', text: `You need one when
			your devices come with certificates from their maker and their
			DeviceIDs are not known beforehand.`, action: add }} />
	${adding && html`<${Add} onClose=${close} onDone=${() => {
		close();
		list.onReload();
	}} />`}
	${shown && html`<${CertDialog} c=${shown} certs=${[]}
		onClose=${() => setShown(null)} onOpen=${setShown} />`}`;
}
