// SPDX-License-Identifier: Apache-2.0
// The certificate of this page: the appliance's own, or the company's.
import { del, post, put } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { LongId } from '../lib/copy.js';
import { confirm } from '../lib/dialog.js';
import {
	Alert, Area, Buttons, FileField, Input, useForm,
} from '../lib/form.js';
import { Pem } from '../lib/pem.js';
import { html, useState } from '../lib/preact.js';
import { Card, Facts, Pill, Waiting, When } from '../lib/show.js';
import { toast } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';

/** @param {{ data: any, onDone: () => Promise<void> }} props */
function Current({ data, onDone }) {
	const c = data.certificate;
	const back = async () => {
		if (!await confirm({
			title: 'Back to the appliance\'s own certificate?',
			action: 'Go back', lost: ['the certificate of your company: ' +
				'browsers will warn unless they trust the OEM Root'],
		}))
			return;
		await del('/tls/certificate');
		toast('The page has the appliance\'s own certificate again');
		await onDone();
	};

	return html`<${Card} title="Certificate in use" side=${data.own ?
		html`<${Pill}>The appliance's own</>` :
		html`<${Pill} color="green">Your company's</>`}>
		<${Facts} items=${[
			['Subject', c?.subject],
			['Names', (c?.sans ?? []).join(', ')],
			['Valid until', html`<${When} at=${c?.not_after} />`],
			['SHA-256 fingerprint', c?.fingerprint && html`<${LongId}
				id=${c.fingerprint} what="Fingerprint" whole />`],
		]} />
		${c?.pem && html`<div class="gap-above"><${Pem} pem=${c.pem}
			file="page.pem" what="Certificate" /></div>`}
		${!data.own && html`<div class="buttons"><${Button} icon="undo"
			run=${back}>Back to the appliance's own</></div>`}</>`;
}

/** @param {{ pending: boolean, onDone: () => Promise<void> }} props */
function Request({ pending, onDone }) {
	const [csr, setCsr] = useState('');
	const f = useForm({ host: '', ips: '' }, async (v) => {
		const ips = v.ips.split(/[\s,;]+/).filter(Boolean);
		const a = await post('/tls/csr', {
			...v.host.trim() ? { host: v.host.trim() } : {},
			...ips.length ? { ips } : {},
		});

		setCsr(a.csr);
		await onDone();
	});

	return html`<${Card} title="1. Request a certificate">
		<p>Your company's CA signs this request. The key stays in the
			token.${pending && ' A request is out already; a new one is for ' +
			'the same key.'}</p>
		${csr ? html`<${Pem} pem=${csr} file="page.csr.pem"
			what="Certificate request" />` : html`
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<div class="columns">
				<${Input} f=${f} name="host" label="Host name"
					maxlength="253" placeholder=${location.hostname}
					autocomplete="off" help="As people type it; else the
					name of the appliance." />
				<${Input} f=${f} name="ips" label="IP addresses"
					autocomplete="off" help="Several with commas
					between." />
			</div>
			<${Buttons} f=${f} action="Create request" />
		</form>`}</>`;
}

/** @param {{ onDone: () => Promise<void> }} props */
function Upload({ onDone }) {
	const f = useForm({ chain: '', file: null }, async (v) => {
		await put('/tls/certificate', { chain: v.chain });
		f.setAll({ chain: '', file: null });
		toast('New connections get this certificate');
		await onDone();
	});

	return html`<${Card} title="2. Hand in the certificate">
		<p>What the CA gave: the certificate, and those of the CAs between it
			and the root, one after the other.</p>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Area} f=${f} name="chain" label="Certificate chain" mono
				required rows=${7}
				placeholder="-----BEGIN CERTIFICATE-----" />
			<${FileField} f=${f} name="file" label="PEM file"
				accept=".pem,.crt,.cer,.txt" onFile=${(
					/** @type {File} */ _,
					/** @type {string} */ text) =>
					f.set('chain', text)} />
			<${Buttons} f=${f} action="Save" />
		</form></>`;
}

function AdminTls() {
	const of = useLoad('/tls', {}, ['cert', 'setting']);

	return html`<nav class="crumbs" aria-label="Where this is">
		<a href="#/hsm">HSM</a><a href="#/hsm?tab=tls">TLS</a></nav>
	${!of.data ? html`<${Waiting} of=${of} />` : html`
	<${Current} data=${of.data} onDone=${of.reload} />
	<div class="two gap-above">
		<${Request} pending=${of.data.csr_pending} onDone=${of.reload} />
		<${Upload} onDone=${of.reload} />
	</div>`}`;
}

export const page = {
	path: '/tls', title: 'Certificate of this page', home: '/hsm',
	roles: ['administrator'], view: AdminTls,
};
