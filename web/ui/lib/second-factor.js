// SPDX-License-Identifier: Apache-2.0
// Set up the second factor: QR code, proof that it works, recovery codes.
import { get, post } from './api.js';
import { Button } from './button.js';
import { Copy, download } from './copy.js';
import { Alert, Buttons, Input, useForm } from './form.js';
import { html, useState } from './preact.js';
import { session } from './session.js';

/**
 * A QR code from rows of '0' and '1', with the quiet zone it needs.
 * @param {{ rows: string[] }} props
 */
export function Qr({ rows }) {
	const n = rows.length + 8;
	let d = '';

	rows.forEach((row, y) => {
		for (const m of row.matchAll(/1+/g))
			d += `M${m.index + 4} ${y + 4}h${m[0].length}v1h-${
				m[0].length}z`;
	});
	return html`<svg class="qr" viewBox="0 0 ${n} ${n}" role="img"
		aria-label="QR picture for an authenticator app"
		shape-rendering="crispEdges"><path d=${d} /></svg>`;
}

/**
 * Recovery codes, to be kept somewhere safe.
 * @param {{ codes: string[], action: string, onDone: () => void }} props
 *	action: the word on the last button
 */
export function RecoveryCodes({ codes, action, onDone }) {
	const text = codes.join('\n') + '\n';

	return html`<div class="roomy">
		<p>Keep these recovery codes where only you find them. Each lets
		you in once if the authenticator is lost. They are shown only
		now.</p>
		<ul class="codes" aria-label="Recovery codes">
			${codes.map((c) => html`<li key=${c}>${c}</li>`)}</ul>
		<div class="buttons">
			<${Copy} text=${text} what="Recovery codes" words />
			<${Button} icon="download" run=${() => download(
				'recovery-codes.txt', text)}>Download</>
			<${Button} kind="primary" run=${onDone}>${action}</>
		</div></div>`;
}

/** The session knows whether a second factor is still wanted. */
export async function askSession() {
	session.value = await get('/session');
}

/**
 * The whole way. The password is asked for unless it is known from a moment
 * ago.
 * @param {{ password?: string, onDone: () => void, onSkip?: () => void,
 *	skip?: string, done?: string }} props onSkip: leaves it for later;
 *	skip: the word on that button; done: that on the last one
 */
export function SecondFactor({ password = '', onDone, onSkip,
	skip = 'Cancel', done = 'Done' }) {
	const [made, setMade] = useState(/** @type {any} */ (null));
	const [codes, setCodes] = useState(
		/** @type {string[] | null} */ (null));
	const first = useForm({ password }, async (v) => {
		setMade(await post('/profile/totp', { password: v.password }));
	});
	const proof = useForm({ code: '' }, async (v) => {
		const a = await post('/profile/totp/confirm',
			{ code: v.code.replace(/\s/g, '') });

		setCodes(a.recovery);
	});

	if (codes)
		return html`<${RecoveryCodes} codes=${codes} action=${done}
			onDone=${onDone} />`;
	if (!made)
		return html`<form onSubmit=${first.submit} novalidate
			class="roomy" key="first">
			<p>With a second factor a stolen password is not enough to
			log in: a code from an app on your phone is asked for,
			too.</p>
			<${Alert} f=${first} />
			${!password && html`<${Input} f=${first} name="password"
				label="Your password" type="password" required
				autofocus autocomplete="current-password" />`}
			<${Buttons} f=${first} action="Set up second factor"
				onCancel=${undefined}>
				${onSkip && html`<${Button} run=${onSkip}>${skip}</>`}
			</></form>`;
	return html`<form onSubmit=${proof.submit} novalidate class="roomy"
		key="proof">
		<div class="qr-side"><${Qr} rows=${made.qr} /><div>
			<p>Scan it with an authenticator app, or type the secret
			in there:</p>
			<p class="secret mono">${made.secret?.match(/.{1,4}/g)
				?.join(' ')} <${Copy} text=${made.secret}
				what="Secret" /></p></div></div>
		<${Alert} f=${proof} />
		<${Input} f=${proof} name="code" label="Code" required autofocus
			inputmode="numeric" autocomplete="one-time-code"
			help="The six digits that the app shows now." />
		<${Buttons} f=${proof} action="Turn on" onCancel=${undefined}>
			${onSkip && html`<${Button} run=${onSkip}>${skip}</>`}
		</></form>`;
}
