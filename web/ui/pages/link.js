// SPDX-License-Identifier: Apache-2.0
// What a one-time link opens: first start, invitation, end of the sign-up,
// new password; then the second factor.
import { post } from '../lib/api.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { askSession, SecondFactor } from '../lib/second-factor.js';
import { session } from '../lib/session.js';
import { toast, toastError } from '../lib/toast.js';

/** @type {Record<string, { title: string, lead: string, action: string }>} */
const kinds = {
	first: {
		title: 'Make the first administrator', action: 'Create Account',
		lead: 'This appliance is new. Who does this step manages it.',
	},
	invite: {
		title: 'You are invited', action: 'Create Account',
		lead: 'Choose a name and a password.',
	},
	signup: {
		title: 'Finish the sign-up', action: 'Create Account',
		lead: 'Choose a name and a password.',
	},
	reset: {
		title: 'Set a new password', action: 'Set password',
		lead: 'Your other sessions end when you do.',
	},
};

/** The rule of the guide for user names. */
export const nameRule = 'It has to be unique and cannot be changed after ' +
	'the user has been created. The value can only include alphanumeric ' +
	'characters, hyphens and underscores.';

/** Two equal passwords, or a complaint. @param {any} v */
export function samePassword(v) {
	if (v.password !== v.again)
		throw Object.assign(new Error(''), { errors: [{
			pointer: '/again', detail: 'These are not the same.',
		}] });
}

/** The fields of a new user. @param {{ f: any, email: boolean }} props */
function Names({ f, email }) {
	return html`<${Input} f=${f} name="user" label="Username" required
			pattern="[A-Za-z0-9_\\-]+" title="Only letters, digits, hyphens
			and underscores." autocomplete="username" autofocus
			autocapitalize="none" spellcheck=${false}
			help=${nameRule} />
		<div class="columns">
		<${Input} f=${f} name="first_name" label="First Name"
			autocomplete="given-name" />
		<${Input} f=${f} name="last_name" label="Last Name"
			autocomplete="family-name" /></div>
		<${Input} f=${f} name="email" label="Email" type="email"
			required disabled=${!email} autocomplete="email" />`;
}

/** @param {{ token: string, link: any,
 *	onDone: (password: string) => void }} props */
function Finish({ token, link, onDone }) {
	const words = kinds[link.kind] ?? kinds.invite;
	const reset = link.kind === 'reset';
	const f = useForm({
		user: link.user ?? '', first_name: '', last_name: '',
		email: link.email ?? '', password: '', again: '',
	}, async (v) => {
		samePassword(v);
		const made = await post('/link/finish', reset ?
			{ token, password: v.password } : {
				token, user: v.user, first_name: v.first_name,
				last_name: v.last_name, email: v.email,
				password: v.password,
			});

		// With a second factor the new password alone is no login.
		if (!made) {
			toast('Your password is set. Now log in.');
			location.hash = '#/login';
			return;
		}
		onDone(v.password);
		session.value = made;
	});

	return html`<h1>${words.title}</h1><p class="lead">${words.lead}</p>
		<form class="roomy" onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			${reset ? link.user && html`<p class="lead">User <b>${link.user}
				</b></p>` : html`<${Names} f=${f}
				email=${!link.email || link.kind === 'first'} />`}
			<${Input} f=${f} name="password" label="Password" required
				type="password" autocomplete="new-password"
				minlength="12" help="At least 12 characters. A few
				words are good, and easy to remember." />
			<${Input} f=${f} name="again" label="Confirm Password"
				required type="password"
				autocomplete="new-password" />
			<${Buttons} f=${f} action=${words.action} />
		</form>`;
}

/** @param {{ params: Record<string, string> }} props */
function View({ params }) {
	const [token] = useState(params.token);
	const [link, setLink] = useState(/** @type {any} */ (null));
	const [error, setError] = useState(/** @type {any} */ (null));
	const [password, setPassword] = useState('');
	const home = async () => {
		try {
			await askSession();
		} catch (e) {
			toastError(e);
		}
		location.hash = '#/';
	};

	useEffect(() => {
		// The token is a secret: it leaves the address line at once.
		history.replaceState(null, '', '#/link');
		post('/link', { token }).then(setLink, setError);
	}, [token]);
	if (error)
		return html`<h1>This link does not work</h1>
			<p class="lead" role="alert">${error.status === 404 ?
				'It has been used, has expired, or was not copied ' +
				'whole. Ask for a new one.' : error.message}</p>
			<a class="btn full" href="#/login">Go to Login</a>`;
	if (!link)
		return html`<div class="loading" role="status">
			<span class="hide">Loading</span><i /><i /><i /></div>`;
	if (!password)
		return html`<${Finish} token=${token} link=${link}
			onDone=${setPassword} />`;
	if (session.value?.user.totp_on) {
		home();
		return null;
	}
	return html`<h1>Two Factor Authentication</h1>
		<p class="lead">One more step, then you are in.</p>
		<${SecondFactor} password=${password} onDone=${home}
			onSkip=${home} skip="Skip (not recommended)"
			done="Go to the Dashboard" />`;
}

export const page = {
	path: '/link/:token', title: 'Welcome', view: View, open: true,
};
