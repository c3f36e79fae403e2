// SPDX-License-Identifier: Apache-2.0
// Dialogs: the browser's own <dialog>, which keeps the focus inside and gives
// it back.
import { Button, IconButton } from './button.js';
import {
	html, signal, useEffect, useId, useRef, useState,
} from './preact.js';

/**
 * Shown for as long as it is rendered:
 *
 * ${open && html`<${Dialog} title="Create Batch" onClose=${close}>...</>`}
 *
 * A form inside brings its own buttons: <${Buttons}> of lib/form.js.
 *
 * @param {{ title: string, onClose: () => void, wide?: boolean,
 *	children?: any }} props onClose: Escape, the cross, Cancel; wide: for
 *	tables and code
 */
export function Dialog({ title, onClose, wide, children }) {
	const id = useId();
	/** @type {{ current: HTMLDialogElement | null }} */
	const ref = useRef(null);

	useEffect(() => {
		const dialog = ref.current;

		dialog?.showModal();
		return () => dialog?.close();
	}, []);
	return html`<dialog ref=${ref} class="dialog ${wide ? 'wide' : ''}"
		aria-labelledby=${id}
		onCancel=${(/** @type {Event} */ e) => {
			// A <input type=file> inside has a cancel event, too.
			if (e.target !== ref.current)
				return;
			e.preventDefault();
			onClose();
		}}>
		<header>
			<h2 id=${id}>${title}</h2>
			<${IconButton} icon="close" label="Close" run=${onClose} />
		</header>
		<div class="dialog-body">${children}</div>
	</dialog>`;
}

/** @typedef {{ title: string, text?: any, lost?: any[], action: string,
 *	typed?: string, danger?: boolean }} Question */

/** @type {import('./preact.js').Signal<
 *	(Question & { answer: (yes: boolean) => void }) | null>} */
const question = signal(null);

/**
 * Ask before something is lost.
 *
 * if (await confirm({ title: 'Delete batch b1?', action: 'Delete',
 *	text: 'This cannot be undone.', lost: ['1 204 devices'],
 *	typed: 'b1' })) ...
 *
 * @param {Question} q lost: a line for each thing that will be lost; action:
 *	the word on the button; typed: the name to be typed first, for big
 *	losses; danger: false for what loses nothing
 * @returns {Promise<boolean>}
 */
export function confirm(q) {
	question.value?.answer(false);
	return new Promise((resolve) => {
		question.value = {
			...q,
			answer: (yes) => {
				question.value = null;
				resolve(yes);
			},
		};
	});
}

/** @param {{ q: NonNullable<typeof question.value> }} props */
function Ask({ q }) {
	const [typed, setTyped] = useState('');
	const danger = q.danger ?? true;
	const ready = !q.typed || typed.trim() === q.typed;
	const id = useId();

	return html`<${Dialog} title=${q.title}
		onClose=${() => q.answer(false)}>
		<form onSubmit=${(/** @type {Event} */ e) => {
			e.preventDefault();
			if (ready)
				q.answer(true);
		}}>
			${q.text && html`<p>${q.text}</p>`}
			${q.lost?.length && html`<p>This will be lost:</p>
				<ul class="lost">
				${q.lost.map((x) => html`<li>${x}</li>`)}</ul>`}
			${q.typed && html`<div class="field">
				<label for=${id}>Type <b>${q.typed}</b> to go on</label>
				<input id=${id} autocomplete="off" spellcheck=${false}
					value=${typed} autofocus
					onInput=${(/** @type {any} */ e) =>
						setTyped(e.currentTarget.value)} />
			</div>`}
			<div class="buttons">
				<${Button} run=${() => q.answer(false)}
					autofocus=${!q.typed && danger}>Cancel</>
				<${Button} type="submit" disabled=${!ready}
					autofocus=${!danger}
					kind=${danger ? 'danger' : 'primary'}
					>${q.action}</>
			</div>
		</form>
	</>`;
}

/** Where confirm() asks: once, in app.js. */
export function ConfirmHost() {
	const q = question.value;

	return q && html`<${Ask} q=${q} key=${q.title} />`;
}
