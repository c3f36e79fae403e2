// SPDX-License-Identifier: Apache-2.0
// Users (user guide, section 14): administrators only.
import { del, patch, post } from '../lib/api.js';
import { Button } from '../lib/button.js';
import { Copy } from '../lib/copy.js';
import { confirm, Dialog } from '../lib/dialog.js';
import {
	Alert, Buttons, Check, Input, Radios, useForm,
} from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { path } from '../lib/route.js';
import { session, site } from '../lib/session.js';
import { Sessions } from '../lib/sessions.js';
import { Pill, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { toast } from '../lib/toast.js';
import { useList } from '../lib/use.js';
import { nameRule, samePassword } from './link.js';

/** @typedef {import('../lib/types').User} User */

/** @type {Record<string, string>} */
const roles = { administrator: 'Administrator', contributor: 'Contributor' };

const roleChoice = [
	{
		value: 'administrator', label: 'Administrator',
		help: 'Access all areas and functions.',
	},
	{
		value: 'contributor', label: 'Contributor',
		help: 'Batches, devices and policies. No Users, Firmwares or ' +
			'Settings; of IoT Hubs only name, type and status.',
	},
];

/** @param {User} u */
const state = (u) => u.disabled ? 'Disabled' : 'Active';

/** @type {import('../lib/types').Column<User>[]} */
const columns = [
	{
		id: 'name', title: 'Username', value: (u) => u.name,
		cell: (u) => html`<span class="long-name"><b>${u.name}</b>${
			u.name === session.value?.user.name &&
			html` <${Pill} color="blue">You</>`}${
			state(u) !== 'Active' && html` <${Pill} color=${
				u.disabled ? 'grey' : 'red'}>${state(u)}</>`}</span>`,
	},
	{
		id: 'whole', title: 'Name', hidden: true,
		value: (u) => [u.first_name, u.last_name].filter(Boolean).join(' '),
	},
	{ id: 'email', title: 'Email', value: (u) => u.email,
		cell: (u) => html`<span class="long-name">${u.email}</span>` },
	{ id: 'role', title: 'Role', value: (u) => roles[u.role] ?? u.role },
	{
		id: 'totp_on', title: 'Two Factor', value: (u) => u.totp_on,
		cell: (u) => u.totp_on ? html`<${Pill} color="green">On</>` :
			html`<${Pill} color="orange">Off</>`,
	},
	{
		id: 'state', title: 'State', value: state, hidden: true,
	},
	{
		id: 'last_login', title: 'Last Login', value: (u) => u.last_login,
		cell: (u) => html`<span title=${u.last_from &&
			`from ${u.last_from}`}><${When} at=${u.last_login} ago
			none="Never" /></span>`,
	},
	{
		id: 'created_at', title: 'Created At', value: (u) => u.created_at,
		cell: (u) => html`<${When} at=${u.created_at} />`,
	},
];

/** @param {{ f: any, made: boolean }} props */
function Fields({ f, made }) {
	return html`<${Input} f=${f} name="name" label="Username" required
			disabled=${made} autofocus=${!made} autocomplete="off"
			pattern="[A-Za-z0-9_\\-]+" autocapitalize="none"
			title="Only letters, digits, hyphens and underscores."
			spellcheck=${false}
			help=${made ? 'Cannot be changed.' : nameRule} />
		<div class="columns">
		<${Input} f=${f} name="first_name" label="First Name"
			autocomplete="off" />
		<${Input} f=${f} name="last_name" label="Last Name"
			autocomplete="off" /></div>
		<${Input} f=${f} name="email" label="Email" type="email"
			required autocomplete="off" />
		<${Radios} f=${f} name="role" label="Select User Role"
			options=${roleChoice} />`;
}

/** @param {{ onClose: () => void, onSaved: () => void }} props */
function Create({ onClose, onSaved }) {
	const f = useForm({
		name: '', first_name: '', last_name: '', email: '',
		role: 'contributor', password: '', again: '',
	}, async (v) => {
		samePassword(v);
		const { again, ...user } = v;

		await post('/users', user);
		toast(`User ${v.name} created`);
		onSaved();
	});

	return html`<${Dialog} title="Create User" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Fields} f=${f} made=${false} />
			<div class="note"><div>Two Factor Authentication: the user is
				asked to set it up at the first login.</div></div>
			<${Input} f=${f} name="password" label="Password" required
				type="password" autocomplete="new-password" />
			<${Input} f=${f} name="again" label="Confirm Password"
				required type="password"
				autocomplete="new-password" />
			<${Buttons} f=${f} action="Save User" onCancel=${onClose} />
		</form></>`;
}

/** @param {{ user: User, onClose: () => void, onSaved: () => void }} props */
function Edit({ user, onClose, onSaved }) {
	const f = useForm({
		name: user.name, first_name: user.first_name ?? '',
		last_name: user.last_name ?? '', email: user.email ?? '',
		role: user.role, totp_on: !!user.totp_on,
		enabled: !user.disabled,
	}, async ({ name, enabled, totp_on, ...v }) => {
		const off = !!user.totp_on && !totp_on;
		const { etag } = await patch(path`/users/${name}`, {
			...v, disabled: !enabled, ...off ? { totp_on: false } : {},
		}, user.etag);

		// A second factor that is gone is set up anew.
		toast(`User ${name} saved`, off ? {} : { undo: async () => {
			await patch(path`/users/${name}`, {
				first_name: user.first_name ?? '',
				last_name: user.last_name ?? '',
				email: user.email ?? '', role: user.role,
				disabled: !!user.disabled,
			}, etag);
			onSaved();
		} });
		onSaved();
	});

	return html`<${Dialog} title="Edit user ${user.name}"
		onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Fields} f=${f} made />
			<${Check} f=${f} name="totp_on" disabled=${!user.totp_on}
				label="Two Factor Authentication"
				help=${user.totp_on ? 'Turning it off is not ' +
				'recommended. The user can set it up again.' :
				'Only the user can turn it on, in the Profile.'} />
			<${Check} f=${f} name="enabled" label="May log in" />
			<${Buttons} f=${f} action="Save User" onCancel=${onClose} />
		</form></>`;
}

/** A link that was made, for who has to pass it on.
 * @param {{ title: string, made: any, onClose: () => void }} props */
function LinkMade({ title, made, onClose }) {
	return html`<${Dialog} title=${title} onClose=${onClose}>
		<p>${made.mailed ? 'The link was sent by mail. You can pass it on ' +
			'yourself, too.' : 'No mail was sent: pass this link on ' +
			'yourself, in a way that nobody else reads.'} It can be used
		once, until <${When} at=${made.until} />.</p>
		<br /><pre class="block" tabindex="0">${made.link}</pre>
		<div class="buttons">
			<${Copy} text=${made.link} what="Link" words />
			<${Button} kind="primary" run=${onClose}>Done</>
		</div></>`;
}

/** @param {{ onClose: () => void, onMade: (made: any) => void }} props */
function Invite({ onClose, onMade }) {
	const f = useForm({ email: '', role: 'contributor' }, async (v) =>
		onMade(await post('/users/invite', {
			role: v.role, email: v.email.trim() || undefined,
		})));

	return html`<${Dialog} title="Invite User" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<p>Who opens the link chooses a user name and a
			password.</p><br />
			<${Alert} f=${f} />
			<${Input} f=${f} name="email" label="Email" type="email"
				autofocus autocomplete="off"
				help=${site.value?.mail ? 'The link is sent there. ' +
				'Without an address you copy it.' :
				'This appliance sends no mail: you copy the link.'} />
			<${Radios} f=${f} name="role" label="Select User Role"
				options=${roleChoice} />
			<${Buttons} f=${f} action="Create link"
				onCancel=${onClose} />
		</form></>`;
}

/** @param {{ user: User, onClose: () => void }} props */
function UserSessions({ user, onClose }) {
	const list = useList(path`/users/${user.name}/sessions`);

	return html`<${Dialog} title="Sessions of ${user.name}" wide
		onClose=${onClose}>
		<${Sessions} list=${list} />
		<div class="buttons"><${Button} kind="danger"
			disabled=${!list.rows?.length} run=${async () => {
				await del(path`/users/${user.name}/sessions`);
				await list.onReload();
				toast(`All sessions of ${user.name} ended`);
			}}>End all sessions</></div></>`;
}

/** @param {User} u */
async function remove(u) {
	if (!await confirm({
		title: `Delete user ${u.name}?`, action: 'Delete', typed: u.name,
		lost: ['The account, its second factor and its sessions',
			'API tokens of this user'],
		text: 'What the user did stays in the logs. To keep somebody ' +
			'out for a while, disable the account instead.',
	}))
		return false;
	await del(path`/users/${u.name}`, u.etag);
	toast(`User ${u.name} deleted`);
	return true;
}

/** Switch an account off or on again, and say how to undo it.
 * @param {User} u @param {() => unknown} reload */
async function disable(u, reload) {
	const to = !u.disabled;
	/** @param {boolean} disabled */
	const set = async (disabled) => {
		await patch(path`/users/${u.name}`, { disabled });
		await reload();
	};

	await set(to);
	toast(`User ${u.name} ${to ? 'disabled' : 'enabled'}`,
		{ undo: () => set(!to) });
}

/** What can be done with a user.
 * @param {(what: any) => void} open @param {() => unknown} reload */
const actions = (open, reload) => [
	{ label: 'Edit', icon: 'edit',
		run: (/** @type {User} */ user) => open({ edit: user }) },
	{ label: 'Reset password', icon: 'link',
		run: async (/** @type {User} */ u) => {
			if (await confirm({
				title: `Reset the password of ${u.name}?`,
				action: 'Create link', danger: false,
				text: 'This makes a link with which the user sets ' +
					'a new password.',
			}))
				open({
					title: `New password for ${u.name}`,
					made: await post(path`/users/${u.name}/reset`),
				});
		} },
	{ label: 'Sessions', icon: 'user',
		run: (/** @type {User} */ user) => open({ sessions: user }) },
	{ label: 'Enable', icon: 'check',
		run: (/** @type {User} */ u) => disable(u, reload),
		hidden: (/** @type {User} */ u) => !u.disabled },
	{ label: 'Disable', icon: 'block',
		run: (/** @type {User} */ u) => disable(u, reload),
		hidden: (/** @type {User} */ u) => u.disabled,
		disabled: (/** @type {User} */ u) =>
			u.name === session.value?.user.name && 'this is you' },
	{ label: 'Delete', icon: 'trash', danger: true,
		run: async (/** @type {User} */ u) => {
			if (await remove(u))
				reload();
		},
		disabled: (/** @type {User} */ u) =>
			u.name === session.value?.user.name && 'this is you' },
];

function View() {
	const list = useList('/users', {}, { live: ['user'] });
	const [open, setOpen] = useState(/** @type {any} */ ({}));
	const close = () => setOpen({});
	const saved = () => {
		close();
		list.onReload();
	};

	return html`<${Table} id="users" label="Users" ...${list}
			columns=${columns} actions=${actions(setOpen, list.onReload)}
			rowKey=${(/** @type {User} */ u) => u.name}
			rowClass=${(/** @type {User} */ u) => u.disabled ? 'dim' : ''}
			toolbar=${html`<${Button} icon="mail"
				run=${() => setOpen({ invite: true })}>Invite User</>
			<${Button} kind="primary" icon="plus"
				run=${() => setOpen({ create: true })}>Create User</>`} />
		${open.create && html`<${Create} onClose=${close}
			onSaved=${saved} />`}
		${open.edit && html`<${Edit} user=${open.edit} onClose=${close}
			onSaved=${saved} />`}
		${open.invite && html`<${Invite} onClose=${close}
			onMade=${(/** @type {any} */ made) => setOpen({
				title: 'Invitation', made,
			})} />`}
		${open.made && html`<${LinkMade} title=${open.title}
			made=${open.made} onClose=${close} />`}
		${open.sessions && html`<${UserSessions} user=${open.sessions}
			onClose=${close} />`}`;
}

export const page = {
	path: '/users', title: 'Users', icon: 'users', menu: true,
	roles: ['administrator'], view: View,
};
