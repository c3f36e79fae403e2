// SPDX-License-Identifier: Apache-2.0
// Forms: labelled fields, and what is wrong beside the member it is about.
import { Button } from './button.js';
import { Icon } from './icons.js';
import { html, useEffect, useId, useRef, useState } from './preact.js';

/**
 * The state of a form: const f = useForm({ name: '' }, save). `save` gets
 * the values; what it throws (a Problem) is shown, member by member.
 *
 * <form onSubmit=${f.submit} novalidate>
 *	<${Alert} f=${f} />
 *	<${Input} f=${f} name="name" label="Name" required />
 *	<${Buttons} f=${f} action="Save" onCancel=${close} />
 * </form>
 *
 * @template {Record<string, any>} V
 * @param {V} first
 * @param {(values: V) => unknown} save
 */
export function useForm(first, save) {
	const [values, setValues] = useState(first);
	const [error, setError] = useState(/** @type {any} */ (null));
	const [busy, setBusy] = useState(false);
	const now = useRef(values);

	now.current = values;
	return {
		values,
		busy,
		error,
		setError,
		/** @param {keyof V & string} name @param {any} value */
		set(name, value) {
			now.current = { ...now.current, [name]: value };
			setValues(now.current);
		},
		/** @param {Partial<V>} some */
		setAll(some) {
			now.current = { ...now.current, ...some };
			setValues(now.current);
		},
		/**
		 * What is wrong with a member: 'name', or 'rules/uses'.
		 * @param {string} name
		 * @returns {string | undefined}
		 */
		wrong(name) {
			return error?.errors?.find(
				(/** @type {any} */ e) => e.pointer === '/' + name)
				?.detail;
		},
		/** @param {Event} e */
		async submit(e) {
			const form = /** @type {HTMLFormElement} */ (
				e.currentTarget);

			e.preventDefault();
			// A form in a dialog may stand inside another form.
			e.stopPropagation();
			if (busy)
				return;
			if (!form.checkValidity()) {
				setError(missing(form));
				focusWrong(form);
				return;
			}
			setBusy(true);
			setError(null);
			try {
				await save(now.current);
			} catch (problem) {
				setError(problem);
				focusWrong(form);
			} finally {
				setBusy(false);
			}
		},
	};
}

/**
 * What the browser itself finds wrong, in the shape of a Problem.
 * @param {HTMLFormElement} form
 */
function missing(form) {
	const errors = [...form.elements].map((x) =>
		/** @type {HTMLInputElement} */ (x))
		.filter((x) => x.willValidate && !x.validity.valid)
		.map((x) => ({
			pointer: '/' + x.name,
			detail: x.validity.valueMissing ? 'This is needed.' :
				x.validity.patternMismatch && x.title ||
				x.validationMessage,
		}));

	return { message: '', errors };
}

/** @param {HTMLFormElement} form */
function focusWrong(form) {
	requestAnimationFrame(() => {
		/** @type {HTMLElement | null} */
		const first = form.querySelector('[aria-invalid=true]');

		if (first)
			first.focus();
		else
			form.querySelector('.alert')?.scrollIntoView(
				{ block: 'nearest' });
	});
}

/** @typedef {ReturnType<typeof useForm>} Form */
/** What every field takes.
 * @typedef {{ f: any, name: string, label: string, help?: any,
 *	required?: boolean, disabled?: boolean, bare?: boolean,
 *	onValue?: (value: any) => void }} Common f: of useForm(); name: the
 *	member; help: a line below; bare: without the word "optional";
 * onValue: told after f.set() */

/**
 * Label, help and error around one control.
 * @param {Common & { children: (a: any) => any }} props children: a
 *	function that gets the attributes of the control
 */
export function Field({ f, name, label, help, required, disabled, bare,
	children }) {
	const id = useId();
	const wrong = f.wrong(name);
	const by = [help && `${id}-h`, wrong && `${id}-e`].filter(Boolean);

	return html`<div class="field ${wrong ? 'wrong' : ''}">
		<label for=${id}>${label}${!required && !disabled && !bare &&
			html` <span class="optional">(optional)</span>`}</label>
		${children({
			id, name, disabled, required,
			'aria-invalid': wrong ? 'true' : undefined,
			'aria-describedby': by.join(' ') || undefined,
		})}
		${help && html`<p class="help" id="${id}-h">${help}</p>`}
		${wrong && html`<p class="error" id="${id}-e">
			<${Icon} name="warn" />${wrong}</p>`}
	</div>`;
}

/**
 * The attribute `autofocus` works once in a page's life; in ours forms come
 * and go.
 * @param {boolean | undefined} wanted
 */
function useFocus(wanted) {
	/** @type {{ current: HTMLElement | null }} */
	const ref = useRef(null);

	useEffect(() => {
		if (wanted)
			ref.current?.focus();
	}, []);
	return ref;
}

/** @param {Common} p @param {any} value */
function put(p, value) {
	p.f.set(p.name, value);
	p.onValue?.(value);
}

/**
 * One line. More attributes of <input> are passed on: type, autocomplete,
 * pattern (with `title`: what to say when it does not match), placeholder,
 * min, max, inputmode, autofocus.
 * @param {Common & Record<string, any>} props type 'number' makes numbers
 */
export function Input(props) {
	const { f, name, label, help, required, disabled, bare, onValue,
		class: cls, ...more } = props;
	const ref = useFocus(more.autofocus);

	return html`<${Field} ...${{ f, name, label, help, required, disabled,
		bare }}>
		${(/** @type {any} */ a) => html`<input type="text" ref=${ref}
			...${more} ...${a} class=${cls} value=${f.values[name] ?? ''}
			onInput=${(/** @type {any} */ e) => {
				const text = e.currentTarget.value;

				put(props, more.type === 'number' && text !== '' ?
					Number(text) : text);
			}} />`}
	</>`;
}

/**
 * Several lines. `rows`, `mono` (for PEM), `placeholder`.
 * @param {Common & { rows?: number, mono?: boolean, placeholder?: string,
 *	autofocus?: boolean }} props
 */
export function Area(props) {
	const { f, name, label, help, required, disabled, rows = 4, mono,
		placeholder, autofocus } = props;
	const ref = useFocus(autofocus);

	return html`<${Field} ...${{ f, name, label, help, required, disabled }}>
		${(/** @type {any} */ a) => html`<textarea ref=${ref} ...${a} rows=${rows}
			class=${mono ? 'mono' : ''} placeholder=${placeholder}
			spellcheck=${!mono} autofocus=${autofocus}
			value=${f.values[name] ?? ''}
			onInput=${(/** @type {any} */ e) =>
				put(props, e.currentTarget.value)} />`}
	</>`;
}

/**
 * A choice. options: [{ value, label, disabled }] or plain strings; empty:
 * the words of "nothing chosen". `beside`: what stands to the right of it,
 * such as a button "Create Policy".
 * @param {Common & { options: (string | { value: string, label: string,
 *	disabled?: boolean })[], empty?: string, beside?: any }} props
 */
export function Select(props) {
	const { f, name, label, help, required, disabled, options, empty,
		beside } = props;
	const value = f.values[name] ?? '';

	return html`<${Field} ...${{ f, name, label, help, required, disabled }}>
		${(/** @type {any} */ a) => html`<div class="beside">
			<select ...${a} value=${value}
				onChange=${(/** @type {any} */ e) =>
					put(props, e.currentTarget.value)}>
				${empty !== undefined && html`<option value=""
					selected=${value === ''}>${empty}</option>`}
				${options.map((o) => typeof o === 'string' ?
					{ value: o, label: o } : o).map((o) => html`
					<option value=${o.value} key=${o.value}
						disabled=${o.disabled}
						selected=${o.value === value}
						>${o.label}</option>`)}
			</select>${beside}
		</div>`}
	</>`;
}

/**
 * Yes or no.
 * @param {Common} props
 */
export function Check(props) {
	const { f, name, label, help, disabled } = props;
	const id = useId();
	const wrong = f.wrong(name);
	const by = [help && `${id}-h`, wrong && `${id}-e`].filter(Boolean);

	return html`<div class="field check">
		<input type="checkbox" id=${id} name=${name} disabled=${disabled}
			checked=${!!f.values[name]}
			aria-describedby=${by.join(' ') || undefined}
			onChange=${(/** @type {any} */ e) =>
				put(props, e.currentTarget.checked)} />
		<label for=${id}>${label}</label>
		${help && html`<p class="help" id="${id}-h">${help}</p>`}
		${wrong && html`<p class="error" id="${id}-e">${wrong}</p>`}
	</div>`;
}

/**
 * One of a few, all to be seen. options: [{ value, label, help }].
 * @param {Common & { options: { value: string, label: string,
 *	help?: string, disabled?: boolean }[] }} props
 */
export function Radios(props) {
	const { f, name, label, options } = props;
	const id = useId();

	return html`<fieldset class="radios"><legend>${label}</legend>
		${options.map((o, i) => html`<div class="field check">
			<input type="radio" id="${id}-${i}" name=${name}
				checked=${f.values[name] === o.value}
				disabled=${o.disabled}
				aria-describedby=${o.help && `${id}-${i}-h`}
				onChange=${() => put(props, o.value)} />
			<label for="${id}-${i}">${o.label}</label>
			${o.help && html`<p class="help" id="${id}-${i}-h">
				${o.help}</p>`}
		</div>`)}
	</fieldset>`;
}

/**
 * A file, chosen or dropped. The member holds the File; onFile(file, text)
 * is called too, with the text if it is below 1 MiB.
 * @param {Common & { accept?: string,
 *	onFile?: (file: File, text: string) => void }} props
 */
export function FileField(props) {
	const { f, name, label, help, required, disabled, accept, onFile } = props;
	/** @param {File | undefined} file */
	const take = async (file) => {
		if (!file)
			return;
		put(props, file);
		onFile?.(file, file.size < 1 << 20 ? await file.text() : '');
	};

	return html`<${Field} ...${{ f, name, label, help, required, disabled }}>
		${(/** @type {any} */ a) => html`<input type="file" ...${a}
			accept=${accept}
			onChange=${(/** @type {any} */ e) =>
				take(e.currentTarget.files[0])} />`}
	</>`;
}

/**
 * What is wrong with the whole, and with members that have no field.
 * @param {{ f?: any, error?: any }} props f: of useForm(); or error: what
 *	was thrown
 */
export function Alert({ f, error = f?.error }) {
	/** @type {{ current: HTMLElement | null }} */
	const ref = useRef(null);
	const [rest, setRest] = useState(/** @type {any[]} */ ([]));
	// One member's mistake is said beside it, not twice.
	const said = rest.length === 0 && error?.errors?.some(
		(/** @type {any} */ e) => e.detail === error.message);

	// Which members have a field is known once they are there.
	useEffect(() => {
		const form = ref.current?.closest('form');

		setRest((error?.errors ?? []).filter((/** @type {any} */ e) =>
			!f || !form?.elements.namedItem(
				(e.pointer ?? '').slice(1))).slice(0, 20));
	}, [error]);
	if (!error)
		return html`<span ref=${ref} hidden />`;
	return html`<div class="alert" role="alert" ref=${ref}
		hidden=${said || !error.message && !rest.length}>
		<${Icon} name="warn" />
		<div><p>${error.message}</p>
		${rest.length > 0 && html`<ul>${rest.map((e) => html`<li>
			${e.pointer && html`<code>${e.pointer.slice(1)}</code>: `}
			${e.detail}</li>`)}</ul>`}</div>
	</div>`;
}

/**
 * The row of buttons that ends a form.
 * @param {{ f: any, action: string, onCancel?: () => void, kind?: string,
 *	disabled?: boolean, children?: any }} props action: the word on the
 *	submit button; children: more buttons
 */
export function Buttons({ f, action, onCancel, kind, disabled, children }) {
	return html`<div class="buttons">
		${children}
		${onCancel && html`<${Button} run=${onCancel}>Cancel</>`}
		<${Button} type="submit" kind=${kind ?? 'primary'} busy=${f.busy}
			disabled=${disabled}>${action}</>
	</div>`;
}
