// SPDX-License-Identifier: Apache-2.0
// The part of a batch's form that adds devices: by hand and by file.
import { get, upload } from '../lib/api.js';
import { Button, IconButton } from '../lib/button.js';
import { Progress } from '../lib/chart.js';
import { download } from '../lib/copy.js';
import { deviceIds } from '../lib/csv.js';
import { FileField, Input } from '../lib/form.js';
import { Icon } from '../lib/icons.js';
import { HEAD, preview, reportCsv } from '../lib/preview.js';
import { html, useEffect, useRef, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { count, many } from '../lib/show.js';

/** @typedef {{ file: File, seen: ReturnType<typeof preview>,
 *	error?: any, added?: number }} Chosen a file that waits for Save */
/** @typedef {{ name: string, what: string, done: number, total: number,
 *	abort?: () => void }} Step what is under way */

const SHOWN = 20;

/**
 * Take what stands in the box into the list.
 * @param {any} v values of the form
 * @returns {{ ids: string[], typed: string, error: any }} typed: what is no
 *	DeviceID; error: says so, or null
 */
export function takeTyped(v) {
	const { ids, wrong } = deviceIds(v.typed);
	const detail = wrong.length === 1 ? 'This is no DeviceID, which has 64 ' +
		`hexadecimal digits: it has ${wrong[0].length} characters.` :
		`These ${wrong.length} words are no DeviceIDs, which have 64 ` +
		'hexadecimal digits.';

	return {
		ids: [...new Set([...v.ids, ...ids])],
		typed: wrong.join(' '),
		error: wrong.length ? { message: '',
			errors: [{ pointer: '/typed', detail }] } : null,
	};
}

/** @param {{ f: any }} props */
function Typed({ f }) {
	const ids = f.values.ids;
	const [all, setAll] = useState(false);
	/** @param {string} id */
	const drop = (id) => f.set('ids',
		ids.filter((/** @type {string} */ x) => x !== id));
	const add = () => {
		const { error, ...taken } = takeTyped(f.values);

		f.setAll(taken);
		f.setError(error);
	};

	return html`<div class="with-button">
		<${Input} f=${f} name="typed" label="Devices" class="mono"
			autocomplete="off" spellcheck=${false}
			placeholder="DeviceID: 64 hexadecimal digits"
			onKeyDown=${(/** @type {KeyboardEvent} */ e) => {
				if (e.key === 'Enter') {
					e.preventDefault();
					add();
				}
			}} />
		<${Button} icon="plus" run=${add}
			disabled=${!f.values.typed.trim()}>Add</></div>
	${ids.length > 0 && html`<div class="chosen"><p>${many(ids.length,
		'device')} to add</p><ul>
		${(all ? ids : ids.slice(0, SHOWN)).map(
			(/** @type {string} */ id) => html`<li key=${id}>
				<span class="mono" title=${id}>${id}</span>
				<${IconButton} icon="close" label="Remove ${id}"
					run=${() => drop(id)} /></li>`)}</ul>
		${!all && ids.length > SHOWN && html`<${Button} kind="quiet"
			run=${() => setAll(true)}>Show all ${count(ids.length)}</>`}
	</div>`}`;
}

/**
 * What is wrong with a file, where.
 * @param {{ name: string, error: any }} props
 */
function Report({ name, error }) {
	const errors = error.errors ?? [];
	const lines = errors.some((/** @type {any} */ e) => e.line);
	const total = error.errorCount ?? errors.length;
	/** @type {{ current: HTMLElement | null }} */
	const ref = useRef(null);

	// After the form has shown that something is wrong: this is it.
	useEffect(() => {
		const timer = setTimeout(() => ref.current?.scrollIntoView(
			{ block: 'nearest' }), 100);

		return () => clearTimeout(timer);
	}, [error]);
	return html`<div class="report" role="alert" ref=${ref}>
		<p><b>No device of this file was added.</b></p>
		${!errors.length && html`<p>${error.message}</p>`}
		${errors.length > 0 && html`<div class="scroll"><table>
			<thead><tr><th scope="col">${lines ? 'Line' : 'Position'}</th>
				<th scope="col">What is wrong</th></tr></thead>
			<tbody>${errors.slice(0, 50).map(
				(/** @type {any} */ e, /** @type {number} */ i) =>
					html`<tr key=${i}><td>${count(e.line ?? e.position)}</td>
					<td>${e.detail}</td></tr>`)}</tbody></table></div>
		<div class="report-foot"><span>${total > 50 ?
			`The first 50 of ${count(total)}` :
			many(total, 'error')}</span>
		<${Button} icon="download" run=${() => download(
			`${name}.errors.csv`, reportCsv(errors), 'text/csv')}
			>Download report</></div>`}
	</div>`;
}

/** @param {{ seen: Chosen['seen'], added?: number }} props */
function Seen({ seen, added }) {
	if (added !== undefined)
		return html`${many(added, 'device')} added`;
	if (!seen.about && !seen.wrong.length)
		return 'no DeviceID seen at its beginning';
	return html`${seen.whole ? '' : 'about '}${many(seen.about, 'device')}
		${seen.wrong.length > 0 && html`<span class="bad">${' – '}line
		${' '}${seen.wrong[0].line}: "${seen.wrong[0].word.slice(0, 70)}"
		is no DeviceID${seen.wrong.length > 1 &&
			`, and ${count(seen.wrong.length - 1)} more`}</span>`}`;
}

/**
 * Look into the file that was chosen and have it wait for Save.
 * @param {any} v values of the form
 * @returns {Promise<{ file: null, files: Chosen[] }>}
 */
export async function takeFile(v) {
	const file = /** @type {File | null} */ (v.file);

	if (!file)
		return { file: null, files: v.files };
	const head = await file.slice(0, HEAD).text();
	/** @type {HTMLInputElement | null} */
	const box = document.querySelector('dialog[open] input[name=file]');

	// It can be chosen again, mended.
	if (box)
		box.value = '';
	return {
		file: null,
		files: [...v.files.filter((/** @type {Chosen} */ c) =>
			c.file.name !== file.name || c.added !== undefined),
		{ file, seen: preview(file.name, head, file.size) }],
	};
}

/** @param {{ f: any }} props */
function Files({ f }) {
	/** @type {Chosen[]} */
	const files = f.values.files;

	return html`<div class="with-button">
		<${FileField} f=${f} name="file" label="Upload File"
			accept=".txt,.json,.csv" help=${html`JSON such as
			${' '}<code>${'{"devices":["2fdb…","f016…"]}'}</code> (.txt,
			.json), or CSV with the DeviceID in its first column or in one
			named device_id.`} />
		<${Button} icon="plus" run=${async () =>
			f.setAll(await takeFile(f.values))}
			disabled=${!f.values.file}>Add File</></div>
	${files.length > 0 && html`<ul class="files">${files.map((c, i) => html`
		<li key=${c.file.name + i} class=${c.error ? 'wrong' : ''}>
			<div class="file"><${Icon} name=${c.error ? 'warn' :
				c.added !== undefined ? 'check' : 'policies'} />
			<span><b>${c.file.name}</b>
			${!c.error && html`<small><${Seen} seen=${c.seen}
				added=${c.added} /></small>`}
			</span>
			${c.added === undefined && html`<${IconButton} icon="close"
				label="Remove ${c.file.name}" run=${() => f.set('files',
					files.filter((x) => x !== c))} />`}</div>
			${c.error && html`<${Report} name=${c.file.name}
				error=${c.error} />`}
		</li>`)}</ul>`}`;
}

/** @param {{ f: any, step: Step | null }} props */
export function AddDevices({ f, step }) {
	return html`<fieldset class="part" disabled=${!!step}>
		<legend>Add devices</legend>
		<${Typed} f=${f} /><${Files} f=${f} /></fieldset>
	${step && html`<div class="under-way" role="status"><p><b>${step.name}
		</b> – ${step.what}</p>
		<${Progress} label=${step.name} done=${step.done}
			total=${step.total} />
		${step.abort && html`<${Button} run=${step.abort}>Stop</>`}</div>`}`;
}

/**
 * Send one file: the bytes first, then the server stores what it read.
 * @param {string} batch
 * @param {Chosen} c
 * @param {(step: Step | null) => void} tell
 * @returns {Promise<number>} how many were added
 */
async function send(batch, c, tell) {
	const { name } = c.file;
	let timer = 0;
	const { abort, done: sent } = upload(path`/batches/${batch}/devices`, c.file, c.seen.type,
		(done, total) => {
			tell(done < total ? { name, what: `${count(Math.round(
				done / 1024))} of ${count(Math.round(total / 1024))} KiB ` +
				'sent', done, total, abort } :
				{ name, what: 'is being read', done: 0, total: 0, abort });
			if (done >= total && !timer)
				timer = setInterval(stored, 1000);
		});
	const stored = async () => {
		const at = await get(path`/batches/${batch}/load`).catch(() => null);

		if (at?.total && timer)
			tell({ name, what: `${count(at.done)} of ${count(at.total)} ` +
				'devices stored', done: at.done, total: at.total, abort });
	};

	try {
		return (await sent).added;
	} finally {
		clearInterval(timer);
		timer = 0;
	}
}

/**
 * Send all files that wait. Those that are refused carry the reason.
 * @param {Chosen[]} files
 * @param {string} batch
 * @param {(step: Step | null) => void} tell
 * @returns {Promise<Chosen[]>}
 */
export async function sendFiles(files, batch, tell) {
	/** @type {Chosen[]} */
	const out = [];

	for (const c of files) {
		if (c.added !== undefined) {
			out.push(c);
			continue;
		}
		try {
			out.push({ ...c, error: undefined,
				added: await send(batch, c, tell) });
		} catch (error) {
			out.push({ ...c, error });
		}
	}
	tell(null);
	return out;
}
