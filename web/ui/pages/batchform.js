// SPDX-License-Identifier: Apache-2.0
// Create and edit a batch (guide, section 8).
import { get, patch, post } from '../lib/api.js';
import { Button, IconButton } from '../lib/button.js';
import { confirm, Dialog } from '../lib/dialog.js';
import {
	Alert, Buttons, Check, Input, Select, useForm,
} from '../lib/form.js';
import { filled, fitting, wrongFilter } from '../lib/filters.js';
import { batchChanges } from '../lib/policy.js';
import { html, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { isAdmin } from '../lib/session.js';
import { count, many } from '../lib/show.js';
import { toast } from '../lib/toast.js';
import { useLoad } from '../lib/use.js';
import { pages } from '../pages.js';
import {
	AddDevices, sendFiles, takeFile, takeTyped,
} from './batchdevices.js';
import { KeyForm } from './keyform.js';
import { PolicyForm, WhatChanges } from './policyform.js';

/** @typedef {import('../lib/fleet').Batch} Batch */
/** @typedef {import('../lib/fleet').Attribute} Attribute */

/** Attribute filters: those of the list below it when "Set Filters".
 * @param {{ f: any, found: number | null }} props */
function Filters({ f, found }) {
	/** @type {Attribute[]} */
	const rows = f.values.rows;
	/** @param {number} i @param {Partial<Attribute>} some */
	const put = (i, some) => f.set('rows', rows.map((r, n) =>
		n === i ? { ...r, ...some } : r));
	const wrong = f.wrong('filter');

	return html`<fieldset class="part">
		<legend>Filter by Attributes</legend>
		${rows.map((r, i) => html`<div class="attribute" key=${i}>
			<input type="text" aria-label="Attribute ${i + 1}: name"
				placeholder="Name" maxlength="64" value=${r.name}
				onInput=${(/** @type {any} */ e) =>
					put(i, { name: e.currentTarget.value })} />
			<input type="text" aria-label="Attribute ${i + 1}: value"
				placeholder="Value" maxlength="64" value=${r.value}
				onInput=${(/** @type {any} */ e) =>
					put(i, { value: e.currentTarget.value })} />
			<${IconButton} icon="close" label="Remove attribute ${i + 1}"
				run=${() => f.set('rows',
					rows.filter((_, n) => n !== i))} />
		</div>`)}
		${wrong && html`<p class="bad" role="alert">${wrong}</p>`}
		<div class="buttons start">
			<${Button} icon="plus" run=${() => f.set('rows',
				[...rows, { name: '', value: '' }])}>Add New Filter</>
			<${Button} icon="filter" disabled=${!rows.length &&
				!f.values.filter.length} run=${() => setFilters(f)}
				>Set Filters</>
		</div>
		<p class="help" role="status">${f.values.filter.length === 0 ?
			'All firmware is offered.' : html`Only firmware with ${
			f.values.filter.map((/** @type {Attribute} */ a) =>
				`${a.name} = ${a.value}`).join(' and ')} is
			offered${found === null ? '.' : `: ${count(found)}.`}`}</p>
	</fieldset>`;
}

/** What is wrong with the filters, as an error of the form, or null.
 * @param {Attribute[]} rows */
function filterError(rows) {
	const detail = wrongFilter(rows);

	return detail ? { message: '',
		errors: [{ pointer: '/filter', detail }] } : null;
}

/** @param {any} f */
function setFilters(f) {
	const error = filterError(f.values.rows);

	f.setError(error);
	if (!error)
		f.set('filter', filled(f.values.rows));
}

/** Batches name a key without the mark of imported ones.
 * @param {string} name */
const bare = (name) => name.replace(/^nohsm:/, '');

/** What administrators choose: firmware and the key it is signed with.
 * @param {{ f: any, onKey: () => void, keys: any }} props */
function Firmware({ f, onKey, keys }) {
	// The list of firmwares is there once its page is.
	const there = pages.some((p) => p.path === '/firmwares');
	const list = useLoad(there ? '/firmwares' : '', { limit: 1000 });
	/** @type {{ name: string, attributes?: Attribute[] }[]} */
	const all = list.data?.items ?? [];
	const offered = fitting(all, f.values.filter);
	const names = offered.map((x) => x.name);
	const has = f.values.firmware;

	if (has && !names.includes(has))
		names.unshift(has);
	/** @type {{ value: string, label: string }[]} */
	const signing = (keys.data?.items ?? []).filter(
		(/** @type {any} */ k) => k.purpose === 'firmware')
		.map((/** @type {any} */ k) => ({ value: bare(k.name),
			label: k.name }));
	const key = f.values.signing_key;

	if (key && !signing.some((s) => s.value === key))
		signing.unshift({ value: key, label: key });
	return html`<div class="columns">
		<${Select} f=${f} name="firmware" label="Firmware"
			empty="No firmware" options=${names} help=${names.length ?
				'Devices are told of it once the batch is saved.' :
				f.values.filter.length ? 'No firmware fits the filters.' :
				'There is no firmware yet.'} />
		<${Select} f=${f} name="signing_key" label="Select Signing Key"
			empty="No signing key" options=${signing}
			help="What the firmware must be signed with."
			beside=${html`<${Button} run=${onKey}>Create New Key</>`} />
	</div>
	<${Filters} f=${f} found=${there && list.data ? offered.length : null} />`;
}

/** @param {any} v @param {boolean} admin */
const body = (v, admin) => ({
	policy: v.policy,
	description: v.description,
	token_alone: v.token_alone,
	...admin ? { firmware: v.firmware, signing_key: v.signing_key,
		filter: v.filter } : {},
});

/** What of the body differs from the batch as it is.
 * @param {Record<string, any>} now @param {Record<string, any>} was */
function edits(now, was) {
	return Object.fromEntries(Object.entries(now).filter(([name, v]) =>
		JSON.stringify(v) !== JSON.stringify(was[name] ??
			(typeof v === 'string' ? '' : Array.isArray(v) ? [] : false))));
}

/** So many DeviceIDs go with the batch itself, all or nothing. */
const FEW = 1000;

/**
 * The batch itself, with the devices that were typed if it is new and they
 * are few.
 * @param {any} v values
 * @param {Batch | undefined} was
 * @returns {Promise<{ name: string, left: string[], edited?: boolean }>}
 *	left: DeviceIDs that are still to be added
 */
async function saveBatch(v, was) {
	const what = body(v, isAdmin());

	if (!was) {
		const few = v.ids.length > 0 && v.ids.length <= FEW;

		await post('/batches', { name: v.name, ...what,
			...few ? { devices: v.ids } : {} });
		return { name: v.name, left: few ? [] : v.ids };
	}
	const some = edits(what, was);
	const edited = Object.keys(some).length > 0;

	if (edited)
		await patch(path`/batches/${was.name}`, some, was.etag);
	return { name: was.name, left: v.ids, edited };
}

/** @param {Batch | undefined} b */
const first = (b) => ({
	name: b?.name ?? '',
	policy: b?.policy ?? '',
	description: b?.description ?? '',
	firmware: b?.firmware ?? '',
	signing_key: bare(b?.signing_key ?? ''),
	token_alone: b?.token_alone ?? false,
	rows: b?.filter ?? [],
	filter: b?.filter ?? [],
	typed: '',
	ids: /** @type {string[]} */ ([]),
	file: null,
	files: /** @type {any[]} */ ([]),
});

/**
 * The state of the form, and Save. A batch that was made and whose file was
 * refused is edited from then on.
 * @param {Batch | undefined} batch
 * @param {(name: string) => unknown} onDone
 */
function useBatchForm(batch, onDone) {
	const [was, setWas] = useState(batch);
	const [step, setStep] = useState(
		/** @type {import('./batchdevices.js').Step | null} */ (null));
	const f = useForm(first(batch), async (v) => {
		const { error, ...typed } = takeTyped(v);
		const wrong = filterError(v.rows) ?? error;

		if (wrong)
			throw wrong;
		const more = { ...typed, ...await takeFile(v),
			filter: filled(v.rows) };

		f.setAll(more);
		const { name, left, edited } = await saveBatch(
			{ ...v, ...more }, was);
		const at = path`/batches/${name}`;
		const now = await get(at);

		setWas(now);
		if (left.length)
			await post(`${at}/devices`, { devices: left });
		f.set('ids', []);
		const files = await sendFiles(more.files, name, setStep);

		f.set('files', files);
		if (files.some((c) => c.error))
			throw new Error('The batch is saved, but not what is in ' +
				`${files.filter((c) => c.error).map((c) => c.file.name)
					.join(', ')}. Remove that file, or mend it and ` +
				'add it again.');
		// Devices that were added stay: then there is no way back.
		toast(`Batch ${name} ${batch ? 'saved' : 'created'}`,
			batch && edited && !left.length && !files.length ? {
				undo: () => patch(at, body(first(batch), isAdmin()),
					now.etag),
			} : {});
		onDone(name);
	});

	return { f, was, step };
}

/**
 * May the dialog be closed, with what is in it?
 * @param {any} v values of the form
 * @param {import('./batchdevices.js').Step | null} step
 */
async function leave(v, step) {
	const files = v.files.filter((/** @type {any} */ c) =>
		c.added === undefined && !c.error);

	if (step && !await confirm({ title: 'Stop the upload?', action: 'Stop',
		text: `Nothing of ${step.name} is added then.` }))
		return false;
	step?.abort?.();
	return !!step || !v.ids.length && !files.length || confirm({
		title: 'Close without saving?', action: 'Close', lost: [
			...v.ids.length ? [many(v.ids.length, 'device') +
				' that you have added'] : [],
			...files.map((/** @type {any} */ c) =>
				`the file ${c.file.name}, which was not sent yet`),
		],
	});
}

/**
 * @param {{ batch?: Batch, onDone: (name: string) => unknown,
 *	onClose: () => void }} props batch: the one to edit
 */
export function BatchForm({ batch, onDone, onClose }) {
	const { f, was, step } = useBatchForm(batch, onDone);
	const [inside, setInside] = useState('');
	const policies = useLoad('/policies');
	const keys = useLoad(isAdmin() ? '/keys' : '', { limit: 1000 });
	const close = async () => await leave(f.values, step) && onClose();
	/** @param {'policy' | 'signing_key'} member @param {any} list */
	const made = (member, list) => async (/** @type {string} */ name) => {
		setInside('');
		await list.reload();
		f.set(member, bare(name));
	};

	return html`<${Dialog} wide onClose=${close}
		title=${was ? `Edit batch ${was.name}` : 'Create Batch'}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<div class="columns">
				<${Input} f=${f} name="name" label="Name" required
					disabled=${!!was} autofocus=${!was} maxlength="64"
					autocomplete="off" />
				<${Select} f=${f} name="policy" label="Policy" required
					empty="Select a policy"
					options=${(policies.data?.items ?? []).map(
						(/** @type {any} */ p) => p.name)}
					beside=${html`<${Button} run=${() =>
						setInside('policy')}>Create Policy</>`}
					help=${policies.data?.items?.length === 0 &&
						'There is no policy yet: create one here.'} />
			</div>
			<${Input} f=${f} name="description" label="Description"
				maxlength="256" />
			${isAdmin() && html`<${Firmware} f=${f} keys=${keys}
				onKey=${() => setInside('key')} />`}
			<${AddDevices} f=${f} step=${step} />
			<${Check} f=${f} name="token_alone" label="A token is enough"
				help="Devices that bring a token of this batch may come
				in without a certificate of an Auth Cert and without
				being in the list." />
			${was && html`<${WhatChanges} lines=${batchChanges(was,
				f.values)} who="The batch has ${many(
				was.counts?.devices ?? 0, 'device')}." />`}
			<${Buttons} f=${f} action="Save" onCancel=${close} />
		</form>
	</>
	${inside === 'policy' && html`<${PolicyForm}
		onClose=${() => setInside('')}
		onDone=${made('policy', policies)} />`}
	${inside === 'key' && html`<${KeyForm} onClose=${() => setInside('')}
		onDone=${made('signing_key', keys)} />`}`;
}
