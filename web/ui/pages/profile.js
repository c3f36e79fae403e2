// SPDX-License-Identifier: Apache-2.0
// One's own names, password, second factor, sessions and API tokens.
import { del, patch, post } from '../lib/api.js';
import { ApiTokens } from '../lib/api-tokens.js';
import { Button } from '../lib/button.js';
import { confirm, Dialog } from '../lib/dialog.js';
import { Alert, Buttons, Input, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import {
	askSession, RecoveryCodes, SecondFactor,
} from '../lib/second-factor.js';
import { Sessions } from '../lib/sessions.js';
import { session } from '../lib/session.js';
import { Card, Pill, Waiting } from '../lib/show.js';
import { toast } from '../lib/toast.js';
import { useList, useLoad } from '../lib/use.js';
import { samePassword } from './link.js';

/** @param {{ user: any, reload: () => unknown }} props */
function Names({ user, reload }) {
	const f = useForm({
		name: user.name, first_name: user.first_name ?? '',
		last_name: user.last_name ?? '', email: user.email ?? '',
		password: '',
	}, async ({ name, password, ...v }) => {
		await patch('/profile', { ...v, ...moves() && { password } },
			user.etag);
		await Promise.all([askSession(), reload()]);
		toast('Profile saved');
	});
	const moves = () => f.values.email !== (user.email ?? '');

	return html`<${Card} title="Names">
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<div class="columns">
			<${Input} f=${f} name="name" label="Username" disabled
				help="Cannot be changed." />
			<${Input} f=${f} name="email" label="Email" type="email"
				autocomplete="email" />
			${moves() && html`<${Input} f=${f} name="password"
				label="Password" type="password" required
				autocomplete="current-password"
				help="Another address wants it." />`}
			<${Input} f=${f} name="first_name" label="First Name"
				autocomplete="given-name" />
			<${Input} f=${f} name="last_name" label="Last Name"
				autocomplete="family-name" /></div>
			<${Buttons} f=${f} action="Save" />
		</form></>`;
}

function Password() {
	const none = { old: '', password: '', again: '' };
	const f = useForm(none, async (v) => {
		samePassword(v);
		await post('/profile/password', { old: v.old, new: v.password });
		f.setAll(none);
		toast('Password changed');
	});

	return html`<${Card} title="Password">
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<input type="text" class="hide" autocomplete="username"
				value=${session.value?.user.name} tabindex="-1"
				aria-hidden="true" readonly />
			<${Input} f=${f} name="old" label="Present Password" required
				type="password" autocomplete="current-password" />
			<${Input} f=${f} name="password" label="New Password" required
				type="password" autocomplete="new-password" />
			<${Input} f=${f} name="again" label="Confirm Password"
				required type="password"
				autocomplete="new-password" />
			<${Buttons} f=${f} action="Change password" />
		</form></>`;
}

/** Asks for the password, then does something with it.
 * @param {{ title: string, text: string, action: string, kind?: string,
 *	onClose: () => void, run: (password: string) => unknown }} props */
function WithPassword({ title, text, action, kind, onClose, run }) {
	const f = useForm({ password: '' }, (v) => run(v.password));

	return html`<${Dialog} title=${title} onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<p>${text}</p>
			<${Alert} f=${f} />
			<${Input} f=${f} name="password" label="Your password" required
				type="password" autofocus
				autocomplete="current-password" />
			<${Buttons} f=${f} action=${action} kind=${kind}
				onCancel=${onClose} />
		</form></>`;
}

/** @param {{ user: any, reload: () => unknown }} props */
function TwoFactor({ user, reload }) {
	const [open, setOpen] = useState('');
	const [codes, setCodes] = useState(/** @type {string[]} */ ([]));
	const close = () => {
		setOpen('');
		setCodes([]);
	};
	const changed = async () => {
		close();
		await Promise.all([askSession(), reload()]);
	};

	return html`<${Card} title="Two Factor Authentication" side=${
		user.totp_on ? html`<${Pill} color="green">On</>` :
			html`<${Pill} color="orange">Off</>`}>
		<p>${user.totp_on ? 'A code of your authenticator app is asked ' +
			'for when you log in.' : 'A password alone can be seen or ' +
			'guessed. Let a code of an authenticator app be asked for, ' +
			'too.'}</p>
		<div class="buttons start">${user.totp_on ? html`
			<${Button} icon="key" run=${() => setOpen('codes')}
				>New recovery codes</>
			<${Button} run=${() => setOpen('off')}>Turn off</>` : html`
			<${Button} kind="primary" icon="shield"
				run=${() => setOpen('on')}>Set up second factor</>`}
		</div>
		${open === 'on' && html`<${Dialog} onClose=${changed}
			title="Two Factor Authentication">
			<${SecondFactor} onDone=${changed} onSkip=${close} /></>`}
		${open === 'off' && html`<${WithPassword} onClose=${close}
			title="Turn off two factor authentication?" kind="danger"
			text="After that your password alone opens this account. This
				is not recommended."
			action="Turn off" run=${async (/** @type {string} */ p) => {
				await post('/profile/totp/off', { password: p });
				await changed();
				toast('Two factor authentication is off');
			}} />`}
		${open === 'codes' && !codes.length && html`<${WithPassword}
			title="New recovery codes" onClose=${close}
			text="The codes you have now stop working."
			action="Make new codes"
			run=${async (/** @type {string} */ p) => setCodes((await
				post('/profile/recovery', { password: p }))
				.recovery)} />`}
		${codes.length > 0 && html`<${Dialog} title="New recovery codes"
			onClose=${close}><${RecoveryCodes} codes=${codes}
			action="Done" onDone=${close} /></>`}
	</>`;
}

function MySessions() {
	const list = useList('/profile/sessions');
	const others = list.rows?.some((s) => !s.current);

	return html`<${Sessions} list=${list} title="Sessions"
		toolbar=${others && html`<${Button}
		run=${async () => {
			if (!await confirm({
				title: 'End all other sessions?', action: 'End sessions',
				text: 'Wherever else you are logged in, you will ' +
					'have to log in again.',
			}))
				return;
			await del('/profile/sessions');
			await list.onReload();
			toast('All other sessions ended');
		}}>End all others</>`}
		end=${async (/** @type {any} */ s) => {
			await del(path`/profile/sessions/${s.id}`);
			await list.onReload();
			toast('Session ended');
		}} />`;
}

function View() {
	const loaded = useLoad('/profile', {}, ['user']);
	const user = loaded.data;

	if (!user)
		return html`<${Waiting} of=${loaded} />`;
	return html`<div class="stack"><div class="two">
		<div class="stack">
			<${Names} key=${user.etag} user=${user}
				reload=${loaded.reload} />
			<${TwoFactor} user=${user} reload=${loaded.reload} /></div>
		<${Password} /></div>
		<${MySessions} />
		<${ApiTokens} /></div>`;
}

export const page = { path: '/profile', title: 'Profile', view: View };
