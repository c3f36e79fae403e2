// SPDX-License-Identifier: Apache-2.0
// Signing keys (guide, section 9.3): create, import, and their rules.
import { get, patch, post } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { Dialog } from '../lib/dialog.js';
import {
	Alert, Area, Buttons, Check, FileField, Input, Select, useForm,
} from '../lib/form.js';
import { Icon } from '../lib/icons.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { fromInput, toInput } from '../lib/time.js';
import { toast } from '../lib/toast.js';

/** @typedef {import('../lib/fleet').Key} Key */
/** @typedef {import('../lib/fleet').Rules} Rules */

/** Key types and their sizes. */
const types = [
	{ value: 'ecdsa', label: 'ECDSA', size: '256', bits: '256 bit' },
	{ value: 'rsa-3072', label: 'RSA-3072', size: '3072', bits: '3072 bit' },
];

const purposes = [
	{ value: 'firmware', label: 'Firmware of devices' },
	{ value: 'update', label: 'Updates of the appliance' },
	{ value: 'codesign', label: 'Code signing by people\'s tools' },
];

/** @param {Rules} [r] */
const firstRules = (r) => ({
	not_before: toInput(r?.not_before),
	not_after: toInput(r?.not_after),
	uses: r?.uses || '',
	rate: r?.rate || '',
	approvals: r?.approvals || '',
	approvers: r?.approvers ?? [],
});

/** Did the server answer that people have to agree first? @param {any} e */
export const wantsApproval = (e) => e?.type === 'urn:quoin:approval';

/** What is not named stays. @param {any} v @returns {Rules} */
function rulesOf(v) {
	return {
		not_before: fromInput(v.not_before),
		not_after: fromInput(v.not_after),
		uses: Number(v.uses) || 0,
		rate: Number(v.rate) || 0,
		approvals: Number(v.approvals) || 0,
		approvers: v.approvers,
	};
}

/** Who can be asked to agree. @param {{ f: any }} props */
function Approvers({ f }) {
	const [all, setAll] = useState(/** @type {string[] | null} */ (null));
	const on = f.values.approvers;

	useEffect(() => {
		get('/approvers').then((a) => setAll(a.items.map(
			(/** @type {any} */ x) => x.name)), () => setAll([]));
	}, []);
	if (!all)
		return null;
	if (!all.length)
		return html`<p class="soft">Nobody is registered as an approver
			yet: see the page <a href="#/approvals">Approvals</a>.</p>`;
	return html`<fieldset class="radios"><legend>Approvers</legend>
		${all.map((name) => html`<label class="row-check" key=${name}>
			<input type="checkbox" checked=${on.includes(name)}
				onChange=${(/** @type {any} */ e) => f.set('approvers',
					e.currentTarget.checked ? [...on, name] :
						on.filter((/** @type {string} */ n) =>
							n !== name))} />
			${name}</label>`)}
	</fieldset>`;
}

/** What limits a key. @param {{ f: any }} props */
function RuleFields({ f }) {
	return html`<div class="columns">
		<${Input} f=${f} name="not_before" label="Not before"
			type="datetime-local" />
		<${Input} f=${f} name="not_after" label="Not after"
			type="datetime-local" />
		<${Input} f=${f} name="uses" label="Signatures in all"
			type="number" min="0" placeholder="no limit" />
		<${Input} f=${f} name="rate" label="Signatures in a minute"
			type="number" min="0" placeholder="no limit" />
		<${Input} f=${f} name="approvals"
			label="Approvals that each signature needs" type="number"
			min="0" max="16" placeholder="none" />
	</div>
	${Number(f.values.approvals) > 0 && html`<${Approvers} f=${f} />`}`;
}

/** @param {{ onDone: (name: string) => unknown, onClose: () => void }} p */
function Generate({ onDone, onClose }) {
	const f = useForm({
		name: '', type: '', size: '256', purpose: 'firmware', limit: false,
		...firstRules(),
	}, async (v) => {
		const key = await post('/keys', {
			name: v.name, type: v.type, purpose: v.purpose,
			...v.limit ? { rules: rulesOf(v) } : {},
		});

		toast(`Signing key ${key?.name ?? v.name} created`);
		onDone(key?.name ?? v.name);
	});
	const type = types.find((t) => t.value === f.values.type);

	return html`<form onSubmit=${f.submit} novalidate>
		<${Alert} f=${f} />
		<${Input} f=${f} name="name" label="Name" required autofocus
			maxlength="64" autocomplete="off" />
		<div class="columns">
			<${Select} f=${f} name="type" label="Key Type" required
				empty="Select a key type" options=${types} />
			<${Select} f=${f} name="size" label="Key Size" required
				disabled=${!type} options=${[{
					value: type?.size ?? '',
					label: type?.bits ?? 'Select a key type first',
				}]} />
			<${Select} f=${f} name="purpose" label="Purpose" required
				options=${purposes} />
		</div>
		<${Check} f=${f} name="limit" label="Limit its use" help="By
			time, by number, or by approvals of other people." />
		${f.values.limit && html`<${RuleFields} f=${f} />`}
		<${Buttons} f=${f} action="Save" onCancel=${onClose} />
	</form>`;
}

/** @param {{ onDone: (name: string) => unknown, onClose: () => void }} p */
function Import({ onDone, onClose }) {
	const f = useForm({ name: '', pem: '', purpose: 'firmware', file: null },
		async (v) => {
			const key = await post('/keys/import', {
				name: v.name, pem: v.pem, purpose: v.purpose,
			});

			f.set('pem', '');
			toast(`Signing key ${key?.name ?? v.name} imported`);
			onDone(key?.name ?? v.name);
		});

	return html`<form onSubmit=${f.submit} novalidate>
		<${Warning} />
		<${Alert} f=${f} />
		<${Input} f=${f} name="name" label="Signing Key Name" required
			autofocus maxlength="64" autocomplete="off" />
		<${Area} f=${f} name="pem" mono rows=${8} required
			label="Private Key (in PEM file format)"
			placeholder="-----BEGIN PRIVATE KEY-----" help="ECDSA P-256
			or RSA-3072, PKCS #8, not encrypted." />
		<${FileField} f=${f} name="file" label="PEM file"
			accept=".pem,.key,.txt" onFile=${(
				/** @type {File} */ _, /** @type {string} */ text) =>
				f.set('pem', text)} />
		<${Select} f=${f} name="purpose" label="Purpose" required
			options=${purposes.slice(0, 2)} />
		<${Buttons} f=${f} action="Save" onCancel=${onClose} />
	</form>`;
}

function Warning() {
	return html`<div class="note warn"><${Icon} name="warn" /><div>
		<p><b>Recommended for development purposes only.</b> The imported
		key is visible on your terminal during the import, and others may
		have copies of it. Use a key that is made here for
		production.</p></div></div>`;
}

/**
 * Create Signing key: first which of the two ways.
 * @param {{ onDone: (name: string) => unknown, onClose: () => void }} props
 *	onDone: gets the name that the key is shown by
 */
export function KeyForm({ onDone, onClose }) {
	const [way, setWay] = useState('');

	return html`<${Dialog} title=${way === 'import' ? 'Import Signing Key' :
			'Create Signing Key'} onClose=${onClose}>
		${way === '' && html`<div class="ways">
			<div><h3>Made in the HSM</h3>
				<p>For production. Its private half never leaves the
				HSM.</p>
				<${Button} kind="primary" icon="key" run=${() =>
					setWay('make')}>Select Key Type and Size</></div>
			<div><h3>Your own</h3>
				<p>For development, from a PEM file. It is marked with
				"nohsm:" from then on.</p>
				<${Button} icon="upload" run=${() =>
					setWay('import')}>Import Key</></div>
		</div>`}
		${way === 'make' && html`<${Generate} onDone=${onDone}
			onClose=${onClose} />`}
		${way === 'import' && html`<${Import} onDone=${onDone}
			onClose=${onClose} />`}
	</>`;
}

/**
 * The rules of a key that is there.
 * @param {{ k: Key, onDone: () => unknown, onClose: () => void }} props
 */
export function RulesForm({ k, onDone, onClose }) {
	const f = useForm(firstRules(k.rules), async (v) => {
		await patch(path`/keys/${k.id}`, { rules: rulesOf(v) }, k.etag);
		toast(`Rules of ${k.name} saved`);
		onDone();
	});

	return html`<${Dialog} wide title="Rules of ${k.name}" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			${wantsApproval(f.error) && html`<p><a href="#/approvals"
				>Go to Approvals</a></p>`}
			${k.rules?.approvals ? html`<p class="soft">Its use wants
				approvals, and so does a change of its rules: save, let
				the approvers agree, and save again.</p>` : null}
			<${RuleFields} f=${f} />
			<${Buttons} f=${f} action="Save" onCancel=${onClose} />
		</form>
	</>`;
}
