// SPDX-License-Identifier: Apache-2.0
// API tokens: for build servers and scripts.
import { del, post } from './api.js';
import { Button } from './button.js';
import { Copy } from './copy.js';
import { confirm, Dialog } from './dialog.js';
import { Alert, Buttons, Input, Select, useForm } from './form.js';
import { html, useId, useState } from './preact.js';
import { path } from './route.js';
import { isAdmin } from './session.js';
import { Pill, When } from './show.js';
import { Table } from './table.js';
import { toast } from './toast.js';
import { useList } from './use.js';

/** @type {[string, string, boolean][]} name, what it allows, administrators */
const scopes = [
	['read', 'Look at everything your role may see', false],
	['devices', 'Change batches and devices', false],
	['policies', 'Change policies', false],
	['hsm', 'Change keys, tokens and certificates', true],
	['sign', 'Sign firmware', true],
	['users', 'Manage users', true],
	['settings', 'Change settings', true],
];

/** @type {import('./types').Column[]} */
const columns = [
	{ id: 'name', title: 'Name', value: (t) => t.name },
	{
		id: 'scopes', title: 'May', value: (t) => t.scopes?.join(' '),
		cell: (t) => t.scopes?.map((/** @type {string} */ s) =>
			html`<${Pill} key=${s}>${s}</>`),
	},
	{
		id: 'until', title: 'Expires', value: (t) => t.until,
		cell: (t) => Date.parse(t.until) < Date.now() ?
			html`<${Pill} color="red">Expired</>` :
			html`<${When} at=${t.until} />`,
	},
	{
		id: 'used_at', title: 'Last used', value: (t) => t.used_at,
		cell: (t) => html`<span title=${t.used_from &&
			`from ${t.used_from}`}><${When} at=${t.used_at} ago
			none="Never" /></span>`,
	},
	{
		id: 'created_at', title: 'Created At', hidden: true,
		value: (t) => t.created_at,
		cell: (t) => html`<${When} at=${t.created_at} />`,
	},
	{ id: 'id', title: 'Identity', hidden: true, mono: true,
		value: (t) => t.id },
];

const ofUser = { id: 'user', title: 'User',
	value: (/** @type {any} */ t) => t.user };

/** @param {{ f: any }} props */
function Scopes({ f }) {
	const id = useId();
	const wrong = f.wrong('scopes');

	return html`<fieldset class="radios"><legend>It may</legend>
		${scopes.filter(([, , admin]) => !admin || isAdmin())
			.map(([name, what]) => html`<div class="field check">
			<input type="checkbox" id="${id}-${name}" name="scopes"
				checked=${f.values.scopes.includes(name)}
				onChange=${(/** @type {any} */ e) => f.set('scopes',
					scopes.map(([n]) => n).filter((n) =>
						n === name ? e.currentTarget.checked :
							f.values.scopes.includes(n)))} />
			<label for="${id}-${name}">${what} <code>${name}</code>
			</label></div>`)}
		${wrong && html`<p class="error">${wrong}</p>`}
	</fieldset>`;
}

/** @param {{ onClose: () => void, onMade: (token: any) => void }} props */
function Create({ onClose, onMade }) {
	const f = useForm({ name: '', scopes: ['read'], days: '90' },
		async (v) => onMade(await post('/api-tokens', {
			name: v.name, scopes: v.scopes,
			until: new Date(Date.now() + Number(v.days) * 86400000)
				.toISOString().replace(/\.\d+Z$/, 'Z'),
		})));

	return html`<${Dialog} title="Create API token" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Input} f=${f} name="name" label="Name" required autofocus
				autocomplete="off"
				help="What uses it, such as build-server." />
			<${Scopes} f=${f} />
			<${Select} f=${f} name="days" label="Expires in" required
				options=${[
					{ value: '7', label: '7 days' },
					{ value: '30', label: '30 days' },
					{ value: '90', label: '90 days' },
					{ value: '365', label: '1 year' },
				]} />
			<${Buttons} f=${f} action="Create" onCancel=${onClose} />
		</form></>`;
}

/** @param {{ token: any, onClose: () => void }} props */
function Made({ token, onClose }) {
	return html`<${Dialog} title="API token ${token.name}"
		onClose=${onClose}>
		<p>Copy it now: it is shown only this once. It goes into the
		header <code>Authorization: Bearer</code> of a request.</p>
		<br /><pre class="block" tabindex="0">${token.token}</pre>
		<div class="buttons">
			<${Copy} text=${token.token} what="API token" words />
			<${Button} kind="primary" run=${onClose}>Done</>
		</div></>`;
}

/** The table of the profile page. */
export function ApiTokens() {
	const list = useList('/api-tokens');
	const [open, setOpen] = useState(false);
	const [made, setMade] = useState(/** @type {any} */ (null));
	const create = html`<${Button} icon="plus" run=${() => setOpen(true)}
		>Create API token</>`;

	return html`<${Table} id="api-tokens" label="API tokens" ...${list}
			title="API tokens" filter=${false}
			toolbar=${list.rows?.length ? create : null}
			text="A script or a build server logs in with a token instead
				of your password, and may do no more than it says."
			columns=${isAdmin() ? [columns[0], ofUser,
				...columns.slice(1)] : columns}
			rowKey=${(/** @type {any} */ t) => t.id}
			actions=${[{
				label: 'Delete', icon: 'trash', danger: true,
				run: async (/** @type {any} */ t) => {
					if (!await confirm({
						title: `Delete API token ${t.name}?`,
						action: 'Delete', text: 'What uses it is ' +
							'shut out at once.',
					}))
						return;
					await del(path`/api-tokens/${t.id}`);
					await list.onReload();
					toast(`API token ${t.name} deleted`);
				},
			}]}
			empty=${{ title: 'No API tokens', action: create }} />
		${open && html`<${Create} onClose=${() => setOpen(false)}
			onMade=${(/** @type {any} */ t) => {
				setOpen(false);
				setMade(t);
				list.onReload();
			}} />`}
		${made && html`<${Made} token=${made}
			onClose=${() => setMade(null)} />`}`;
}
