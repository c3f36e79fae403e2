// SPDX-License-Identifier: Apache-2.0
// Settings: administrators only.
import { patch, post, sentence } from '../lib/api.js';
import { Button, LinkButton } from '../lib/button.js';
import { Dialog } from '../lib/dialog.js';
import { Alert, Buttons, Check, Input, useForm } from '../lib/form.js';
import { html, useState } from '../lib/preact.js';
import { session } from '../lib/session.js';
import { Card, Waiting } from '../lib/show.js';
import { toast } from '../lib/toast.js';
import { askSession } from '../lib/second-factor.js';
import { useLoad } from '../lib/use.js';

/** @typedef {{ name: string, label: string, type?: string, bare?: boolean,
 *	whole?: boolean, more?: Record<string, any> }} Item bare: the label says
 *	it all; whole: as wide as its card */

/** @type {{ title: string, text?: string, items: Item[], test?: boolean }[]}
 */
const groups = [
	{
		title: 'Names and links',
		items: [
			{ name: 'title', label: 'Name of this appliance', bare: true,
				whole: true, more: { required: true, maxlength: 64 } },
			{ name: 'help_url', label: 'Help link' },
			{ name: 'feedback_url', label: 'Feedback link' },
		],
	},
	{
		title: 'Sign-up',
		items: [
			{ name: 'signup', label: 'People may sign up by themselves',
				type: 'check', bare: true, whole: true },
			{ name: 'signup_domains', label: 'Only these domains',
				whole: true },
		],
	},
	{
		title: 'Sessions',
		text: 'Who is idle that long, or logged in that long, is logged out.',
		items: [
			{ name: 'idle_minutes', label: 'Idle time, minutes',
				type: 'number', bare: true, more: { min: 1 } },
			{ name: 'session_hours', label: 'Longest session, hours',
				type: 'number', bare: true, more: { min: 1 } },
		],
	},
	{
		title: 'Mail', test: true,
		text: 'Without a mail server links are copied instead of sent.',
		items: [
			{ name: 'smtp_url', label: 'Mail server', whole: true, more: {
				placeholder: 'smtps://mail.example.com:465',
				spellcheck: false } },
			{ name: 'smtp_user', label: 'User at the mail server',
				bare: true, more: { autocomplete: 'off' } },
			{ name: 'smtp_password', label: 'Password there',
				type: 'password', bare: true,
				more: { autocomplete: 'new-password' } },
			{ name: 'smtp_from', label: 'Sender', bare: true, whole: true,
				more: { placeholder: 'quoin@example.com' } },
			{ name: 'smtp_plain', label: 'Without TLS where the mail server ' +
				'has none', type: 'check', bare: true, whole: true },
		],
	},
	{
		title: 'Devices',
		items: [
			{ name: 'poll_seconds', label: 'Seconds between polls',
				type: 'number', more: { min: 0 } },
			{ name: 'polls_per_second', label: 'Polls per second, at most',
				type: 'number', more: { min: 0 } },
		],
	},
];

/** @param {{ f: any, item: Item, help: any }} props */
function Setting({ f, item, help }) {
	return html`<div class=${item.whole ? 'whole' : ''}>${
		item.type === 'check' ? html`<${Check} f=${f} name=${item.name}
			label=${item.label} help=${help} />` :
			html`<${Input} f=${f} name=${item.name} label=${item.label}
			type=${item.type ?? 'text'} help=${help} bare
			...${item.more} />`}</div>`;
}

/** @param {{ onClose: () => void }} props */
function MailTest({ onClose }) {
	const [said, setSaid] = useState(/** @type {any} */ (null));
	const f = useForm({ to: session.value?.user.email ?? '' },
		async (v) => {
			setSaid(null);
			setSaid(await post('/settings/mail-test', { to: v.to }));
		});

	return html`<${Dialog} title="Send a test mail" onClose=${onClose}>
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<${Input} f=${f} name="to" label="To" type="email" required
				autofocus />
			${said && html`<div role="status" class="note ${said.ok ? '' :
				'warn'}"><div>${said.ok ? 'The mail server took it. ' :
				'It was not sent. '}${said.detail}</div></div>`}
			<${Buttons} f=${f} action="Send" onCancel=${onClose} />
		</form></>`;
}

/** Only what was changed is sent. @param {any} first @param {any} now */
function changes(first, now) {
	return Object.fromEntries(Object.entries(now).filter(([name, v]) =>
		v !== first[name]));
}

/** @param {{ group: typeof groups[0], data: any,
 *	reload: () => Promise<void> }} props */
function Group({ group, data, reload }) {
	const values = data.values ?? {};
	const [test, setTest] = useState(false);
	/** @type {Record<string, any>} */
	const first = Object.fromEntries(group.items.map((i) =>
		[i.name, values[i.name] ?? (i.type === 'check' ? false : '')]));
	const f = useForm(first, async (v) => {
		const body = changes(first, v);

		const { etag } = await patch('/settings', body, data.etag);
		const again = () => Promise.all([reload(), askSession()]);

		await again();
		// A password cannot be put back: nobody is told what it was.
		toast(`${group.title} saved`, group.test ? {} : { undo: async () => {
			await patch('/settings', changes(v, first), etag);
			await again();
		} });
	});
	const same = !Object.keys(changes(first, f.values)).length;
	/** @param {Item} item */
	const help = (item) => item.name === 'smtp_password' &&
		values.smtp_password_set ?
		'One is set. It is never shown; type here to change it.' :
		!item.bare && sentence(data.text?.[item.name] ?? '');

	return html`<${Card} title=${group.title}>
		${group.text && html`<p>${group.text}</p>`}
		<form onSubmit=${f.submit} novalidate>
			<${Alert} f=${f} />
			<div class="columns">${group.items.map((item) => html`
				<${Setting} key=${item.name} f=${f} item=${item}
					help=${help(item)} />`)}</div>
			<${Buttons} f=${f} action="Save" disabled=${same}>
				${group.test && html`<${Button} icon="mail"
					disabled=${!same || !values.smtp_url}
					run=${() => setTest(true)}>Send a test mail</>`}
			</>
		</form>
		${test && html`<${MailTest} onClose=${() => setTest(false)} />`}
	</>`;
}

/** What has a page of its own. */
function Certificate() {
	return html`<${Card} title="Certificate of these pages">
		<p>Browsers trust it if your company's CA has signed it. The key
		stays in the token.</p>
		<div class="buttons start"><${LinkButton} icon="shield"
			href="#/tls">Certificate of this page</></div></>`;
}

function View() {
	const loaded = useLoad('/settings', {}, ['setting']);

	if (!loaded.data)
		return html`<${Waiting} of=${loaded} />`;
	return html`<div class="flow">${groups.map((g) => html`<${Group}
		key=${g.title + loaded.data.etag} group=${g} data=${loaded.data}
		reload=${loaded.reload} />`)}<${Certificate} /></div>`;
}

export const page = {
	path: '/settings', title: 'Settings', icon: 'settings', menu: true,
	roles: ['administrator'], view: View,
};
