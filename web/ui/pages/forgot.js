// SPDX-License-Identifier: Apache-2.0
// A way back in for who has forgotten the password.
import { post } from '../lib/api.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { Robot } from '../lib/robot.js';
import { site } from '../lib/session.js';

function View() {
	const [captcha, setCaptcha] = useState(/** @type {any} */ (null));
	const [turn, setTurn] = useState(0);
	const [sent, setSent] = useState(false);
	const f = useForm({ email: '' }, async (v) => {
		try {
			await post('/login/forgot', { email: v.email.trim(), captcha });
			setSent(true);
		} finally {
			setCaptcha(null);
			setTurn(turn + 1);
		}
	});

	if (site.value && !site.value.mail)
		return html`<h1>Forgot your password?</h1>
			<p class="lead">This appliance sends no mail. Ask an
			administrator for a link that sets a new password; the
			last administrator makes one on the console.</p>
			<a class="btn full" href="#/login">Back to Login</a>`;
	if (sent)
		return html`<h1>Look into your mail</h1>
			<p class="lead" role="status">If ${f.values.email} belongs to
			a user, a link that sets a new password is on its way. It
			can be used once.</p>
			<a class="btn full" href="#/login">Back to Login</a>`;
	return html`<h1>Forgot your password?</h1>
		<p class="lead">A link that sets a new one is sent to your e-mail
		address.</p>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Input} f=${f} name="email" label="E-mail" type="email"
				required autofocus autocomplete="email" />
			<${Robot} key=${turn} onDone=${setCaptcha} />
			<${Buttons} f=${f} action="Send link" disabled=${!captcha} />
		</form>
		<div class="links"><a href="#/login">Back to Login</a></div>`;
}

export const page = {
	path: '/forgot', title: 'Forgot password', view: View, open: true,
};
