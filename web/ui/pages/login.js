// SPDX-License-Identifier: Apache-2.0
// Login, with the code of the second factor as its second step.
import { post } from '../lib/api.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { session, site } from '../lib/session.js';

/** Where to go after the login: the page that was asked for. */
function onward() {
	if (/^#\/(login|link|signup|forgot)/.test(location.hash))
		location.hash = '#/';
}

/** @param {{ code: boolean, f: any }} props */
function Fields({ code, f }) {
	if (code)
		return html`<${Input} f=${f} name="code" label="Code" required
			autofocus autocomplete="one-time-code" inputmode="text"
			spellcheck=${false} key="code"
			help="The six digits of your authenticator app, or one of
				your recovery codes." />`;
	return html`<${Input} f=${f} name="user" label="Username or e-mail"
			required autofocus autocomplete="username"
			autocapitalize="none" spellcheck=${false} key="user" />
		<${Input} f=${f} name="password" label="Password" required
			type="password" autocomplete="current-password"
			key="password" />`;
}

function View() {
	const [code, setCode] = useState(false);
	const f = useForm({ user: '', password: '', code: '' }, async (v) => {
		try {
			session.value = await post('/login', {
				user: v.user.trim(), password: v.password,
				code: code ? v.code.replace(/\s/g, '') : undefined,
			});
		} catch (e) {
			const type = /** @type {any} */ (e).type;

			if (!code && type === 'urn:quoin:second-factor') {
				setCode(true);
				return;
			}
			throw e;
		}
		onward();
	});
	const back = () => {
		setCode(false);
		f.setError(null);
		f.setAll({ password: '', code: '' });
	};

	return html`<h1>Login</h1>
		<p class="lead">${code ? 'Your password is right. Now the second ' +
			'factor.' : 'Log in to manage devices and their keys.'}</p>
		${site.value?.first_start && html`<div class="note"><div>Nobody can
			log in yet: open the one-time link that the console of the
			appliance showed, to make the first administrator.</div>
			</div>`}
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Fields} f=${f} code=${code} />
			<${Buttons} f=${f} action="Login"
				onCancel=${code ? back : undefined} />
		</form>
		${!code && html`<div class="links">
			<a href="#/forgot">Forgot your password?</a>
			${site.value?.signup && html`<a href="#/signup">Sign up</a>`}
		</div>`}`;
}

export const page = { path: '/login', title: 'Login', view: View, open: true };
