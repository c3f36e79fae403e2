// SPDX-License-Identifier: Apache-2.0
// Approvals: people agree to what a key is to sign, each with a credential
// of his own. What they agree to is a text of quoin-signd, which verifies the
// proof itself; this page only carries it.
import { del, post } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { Copy, download } from '../lib/copy.js';
import { confirm, Dialog } from '../lib/dialog.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { Icon } from '../lib/icons.js';
import { html, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { Card, Facts, Heading, Pill, Waiting, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toast } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';
import {
	assertion, creation, registration, request, synchronised, unable,
} from '../lib/webauthn.js';

/** @typedef {import('../lib/fleet').Approval} Approval */

/** What a browser says when nobody touched the key. @param {any} e */
const refused = (e) => e?.name === 'NotAllowedError' ?
	new Error('The browser got no agreement: it was cancelled, took too ' +
		'long, or no registered security key was there.') : e;

/** @param {Approval} a */
async function approve(a) {
	let given;

	try {
		given = await navigator.credentials.get(request(a));
	} catch (e) {
		throw refused(e);
	}
	const proof = assertion(a, given);

	await post(path`/approvals/${a.id}`, proof);
	toast(`${proof.approver} agreed`);
}

/** @param {Approval} a */
async function withdraw(a) {
	if (!await confirm({
		title: 'Withdraw this request?', action: 'Withdraw',
		text: a.meaning || `Use of the key ${a.key}`,
		lost: ['the request: nothing is signed on the strength of it',
			...a.have ? [`the agreement of ${(a.approved ?? [])
				.join(', ')}`] : []],
	}))
		return false;
	await del(path`/approvals/${a.id}`);
	toast('Request withdrawn');
	return true;
}

/** Why this browser cannot agree, or ''. @param {Approval} a */
function cannot(a) {
	if (a.have >= a.need)
		return 'Enough have agreed.';
	if (!a.credentials?.length)
		return 'None of those who are asked has a credential for ' +
			'browsers: they agree by quoinctl hsm approval give.';
	return unable();
}

/** @param {{ a: Approval, onDone: () => Promise<void> }} props */
function One({ a, onDone }) {
	const why = cannot(a);
	const full = a.have >= a.need;

	return html`<${Card} title=${a.meaning || `Use of ${a.key}`}
		side=${html`<${Pill} color=${full ? 'green' : 'blue'}>${a.have} of
			${' '}${a.need} agreed</>`}>
		<${Facts} items=${[
			['Action', a.action],
			['Key', a.key],
			['Asked', html`<${When} at=${a.created} />`],
			['Ends', html`<${When} at=${a.until} />`],
			['Agreed', (a.approved ?? []).join(', ') || 'nobody yet'],
		]} />
		<h3 class="gap-above">What is agreed to</h3>
		<pre class="block" tabindex="0" role="region"
			aria-label="Statement">${a.statement}</pre>
		${why && html`<p class="soft gap-above">${why}</p>`}
		<div class="buttons">
			<${Copy} text=${a.statement} what="Statement" words />
			<${Button} icon="trash" run=${async () =>
				await withdraw(a) && await onDone()}>Withdraw</>
			${!why && html`<${Button} kind="primary" icon="check"
				run=${async () => {
					await approve(a);
					await onDone();
				}}>Approve</>`}
		</div></>`;
}

/**
 * Ask the browser for a credential.
 * @param {string} name of the approver
 */
async function create(name) {
	const rp = location.hostname;
	/** @type {any} */
	let made;

	try {
		made = await navigator.credentials.create(creation(name, rp,
			crypto.getRandomValues(new Uint8Array(32))));
	} catch (e) {
		throw refused(e);
	}
	if (synchronised(made.response.getAuthenticatorData()))
		throw new Error('This credential is copied between machines ' +
			'(a synchronised passkey), and those do not count. Use a ' +
			'security key, or the credential of this very machine.');
	return JSON.stringify(registration(made, rp, location.origin), null, '\t');
}

/** @param {{ onClose: () => void }} props */
function Register({ onClose }) {
	const [text, setText] = useState('');
	const f = useForm({ name: '' }, async (v) => {
		setText(await create(v.name));
	});
	const file = `${f.values.name}.credential.json`;
	const command = `quoinctl hsm approver add ${f.values.name} ` +
		`--webauthn ${file}`;

	return html`<${Dialog} wide title="Register an approver"
		onClose=${onClose}>
		${text ? html`<div class="stack">
			<p>Your credential is made. An approver can be added only on the
				console of the appliance, so that nobody who takes over
				this page becomes one: bring the file there and run</p>
			<div class="command"><code>${command}</code>
				<${Copy} text=${command} what="Command" /></div>
			<pre class="block" tabindex="0" role="region"
				aria-label="Credential">${text}</pre>
			<div class="buttons">
				<${Copy} text=${text} what="Credential" words />
				<${Button} kind="primary" icon="download" run=${() =>
					download(file, text, 'application/json')}
					>Download ${file}</></div></div>` : html`
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<p>The browser asks for a security key, or for the credential of
				this machine, and for its PIN or your fingerprint. It holds
				for ${location.hostname} only.</p>
			<${Input} f=${f} name="name" label="Name of the approver" required
				autofocus maxlength="64" autocomplete="off"
				pattern="[A-Za-z0-9][A-Za-z0-9_.\\-]*"
				title="Letters, digits, hyphens and underscores." />
			<${Buttons} f=${f} action="Register" onCancel=${onClose} />
		</form>`}
	</>`;
}

/** @type {import('../lib/types').Column[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (a) => a.name },
	{ id: 'kind', title: 'Agrees by', value: (a) => a.kind,
		cell: (a) => a.kind === 'webauthn' ? 'Credential in the browser' :
			'Key of its own, on the console' },
	{ id: 'rp', title: 'Host', value: (a) => a.rp_id },
	{ id: 'created', title: 'Added', value: (a) => a.created,
		cell: (a) => html`<${When} at=${a.created} />` },
];

function Approvers() {
	const of = useLoad('/approvers', {}, ['key']);
	const [open, setOpen] = useState(false);
	const why = unable();
	const register = html`<${Button} icon="key" disabled=${!!why} title=${why}
		run=${() => setOpen(true)}>Register</>`;

	return html`<${Heading} title="Approvers" text=${why} />
	<${Table} id="approvers" label="Approvers" columns=${columns} sort="name"
		rows=${of.data?.items ?? (of.data && [])} error=${of.error}
		rowKey=${(/** @type {any} */ a) => a.name} toolbar=${register}
		onReload=${of.reload} empty=${{ title: 'No approvers yet',
			text: `Register a credential here, then add it on the console.
			The rules of a key say whose agreement its use needs.`,
			action: register }} />
	${open && html`<${Register} onClose=${() => {
		setOpen(false);
		of.reload();
	}} />`}`;
}

function Approvals() {
	const of = useLoad('/approvals', {}, ['key', 'activity']);
	/** @type {Approval[] | undefined} */
	const items = of.data?.items;

	return html`<nav class="crumbs" aria-label="Where this is">
		<a href="#/hsm">HSM</a>
		<a href="#/hsm?tab=keys">Signing Keys</a></nav>
	<${Heading} title="Waiting for agreement" text="Some keys sign only when
		several people agree. Read what is to be agreed to, and approve it
		with the credential that you have registered." />
	${!items ? html`<${Waiting} of=${of} />` : items.length === 0 ? html`
		<div class="card"><div class="empty"><${Icon} name="shield" />
		<h2>Nothing waits for agreement</h2>
		<p>A request appears here when a key whose rules want approvals is to
		sign something, or is to be changed.</p></div></div>` :
		html`<div class="stack">${items.map((a) => html`<${One} key=${a.id}
			a=${a} onDone=${of.reload} />`)}</div>`}
	<${Approvers} />`;
}

export const page = {
	path: '/approvals', title: 'Approvals', home: '/hsm',
	roles: ['administrator'], view: Approvals,
};
