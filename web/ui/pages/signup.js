// SPDX-License-Identifier: Apache-2.0
// Sign-up (user guide, section 6): an e-mail address gets a link.
import { post } from '../lib/api.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { Robot } from '../lib/robot.js';
import { site } from '../lib/session.js';

/** @param {{ title: string, text: any }} props */
const Said = ({ title, text }) => html`<h1>${title}</h1>
	<p class="lead" role="status">${text}</p>
	<a class="btn full" href="#/login">Back to Login</a>`;

function View() {
	const [captcha, setCaptcha] = useState(/** @type {any} */ (null));
	const [turn, setTurn] = useState(0);
	const [sent, setSent] = useState(false);
	const domains = site.value?.signup_domains ?? [];
	const f = useForm({ email: '' }, async (v) => {
		try {
			await post('/signup', { email: v.email.trim(), captcha });
			setSent(true);
		} finally {
			setCaptcha(null);
			setTurn(turn + 1);
		}
	});

	if (site.value && !site.value.signup)
		return html`<${Said} title="Sign up" text="Sign-up is switched off
			here. An administrator can invite you." />`;
	if (site.value && !site.value.mail)
		return html`<${Said} title="Sign up" text="This appliance sends no
			mail, so it cannot send you a link. An administrator can
			invite you." />`;
	if (sent)
		return html`<${Said} title="Look into your mail" text=${html`A link
			that finishes the sign-up was sent to <b>${
			f.values.email}</b>, if that address may sign up. It can be
			used once and expires.`} />`;
	return html`<h1>Sign up</h1>
		<p class="lead">A link that finishes the sign-up is sent to your
		e-mail address.</p>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Input} f=${f} name="email" label="E-mail" type="email"
				required autofocus autocomplete="email"
				help=${domains.length > 0 && `Addresses of ${
					domains.join(', ')} may sign up.`} />
			<${Robot} key=${turn} onDone=${setCaptcha} />
			<${Buttons} f=${f} action="Signup" disabled=${!captcha} />
		</form>
		<div class="links"><a href="#/login">Back to Login</a></div>`;
}

export const page = {
	path: '/signup', title: 'Sign up', view: View, open: true,
};
