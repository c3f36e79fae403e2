// SPDX-License-Identifier: Apache-2.0
// The guide's own walks through the administration, in Chromium: the first
// administrator, a policy, a batch and its devices, one that enrols while the
// page is open and is revoked, keys, tokens, an Auth Cert, a user with a
// second factor. Every page is judged by axe and drawn four times.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as t from './lib.mjs';

const work = mkdtempSync(join(tmpdir(), 'quoin-walk.'));
const password = 'a quoin ties two walls';
const guide = process.env.QUOIN_FLEET;
let secret = '';
let device = '';

const button = (p, name) => p.getByRole('button', { name, exact: true });
const menu = async (p, name) => {
	await p.getByRole('navigation', { name: 'Main' }).getByRole('link',
		{ name, exact: true }).click();
	await p.getByRole('heading', { level: 1, name }).waitFor();
};
const dialog = (p) => p.getByRole('dialog').last();
const row = (p, name) => p.getByRole('row').filter({ hasText: name });

await t.start();
const p = await t.person();

// --- first start

await t.step(p, 'the one-time link makes the first administrator',
	async () => {
		await p.goto(process.env.QUOIN_LINK);
		await p.getByRole('heading', {
			name: 'Make the first administrator' }).waitFor();
		await t.look(p, 'first');
		await p.getByLabel('Username').fill('admin');
		await p.getByLabel('First Name').fill('Ada');
		await p.getByLabel('Email').fill('admin@example.org');
		await p.getByLabel('Password', { exact: true }).fill(password);
		await p.getByLabel('Confirm Password').fill(password);
		await button(p, 'Create Account').click();
		await button(p, 'Set up second factor').waitFor();
	});

await t.step(p, 'with a second factor, by its QR code', async () => {
	await button(p, 'Set up second factor').click();
	await p.getByRole('img', { name: /QR/ }).waitFor();
	await t.look(p, 'second-factor');
	secret = (await p.locator('.secret').innerText())
		.replace(/[^A-Z2-7]/g, '').slice(0, 32);
	await p.getByLabel('Code').fill(t.totp(secret));
	await button(p, 'Turn on').click();
	await p.getByLabel('Recovery codes').waitFor();
	t.is(await p.getByLabel('Recovery codes').getByRole('listitem')
		.count(), 10, 'ten recovery codes');
	await p.locator('.buttons').last().getByRole('button').last().click();
	await p.getByRole('heading', { name: 'Dashboard' }).waitFor();
});

await t.step(p, 'the link is good once', async () => {
	const q = await t.person();

	await q.goto(process.env.QUOIN_LINK);
	await q.getByText(/has been used/).waitFor();
	await q.context().close();
});

// --- a policy, a key and a batch, from inside of each other

await t.step(p, 'a batch with a policy and a key made from inside',
	async () => {
		await menu(p, 'Devices');
		await button(p, 'Create Batch').first().click();
		await p.getByLabel('Name', { exact: true }).fill('fridges');
		await button(dialog(p), 'Create Policy').click();
		await p.getByLabel('Policy Name').fill('kitchen');
		await button(p, 'Save Policy').click();
		await button(dialog(p), 'Create New Key').click();
		await button(p, 'Select Key Type and Size').click();
		await p.getByLabel('Name', { exact: true }).last()
			.fill('fw-key');
		await p.getByLabel('Key Type').selectOption('ecdsa');
		await button(dialog(p), 'Save').click();
		await p.getByRole('dialog', { name: 'Create Signing Key' })
			.waitFor({ state: 'detached' });
		await button(dialog(p), 'Save').click();
		await row(p, 'fridges').waitFor();
		t.result(/kitchen/.test(await row(p, 'fridges').innerText()),
			'the batch is under its policy');
	});

await t.step(p, 'the guide\'s JSON file is uploaded', async () => {
	await row(p, 'fridges').getByRole('link').first().click();
	await p.getByRole('heading', { name: 'fridges' }).waitFor();
	await button(p, 'Edit').first().click();
	await p.getByLabel('Upload File').setInputFiles(guide);
	await button(p, 'Add File').click().catch(() => {});
	await button(p, 'Save').last().click();
	await p.getByText(/nothing was loaded|63 characters/).first()
		.waitFor();
	t.result(true, 'what is wrong with it is told, and where');
});

await t.step(p, 'mended, it is loaded', async () => {
	const ids = JSON.parse(readFileSync(guide, 'utf8')).devices
		.filter((id) => /^[0-9a-f]{64}$/.test(id));
	const file = join(work, 'mended.txt');

	execFileSync(process.env.QUOIN_AGENT, ['--fleet',
		join(work, 'fleet'), '--count', '1', '--make']);
	[device] = JSON.parse(readFileSync(join(work,
		'fleet/fleet.json'), 'utf8')).devices;
	writeFileSync(file, JSON.stringify({ devices: [...ids, device] }));
	await p.reload();
	await p.getByRole('heading', { name: 'fridges' }).waitFor();
	await button(p, 'Edit').first().click();
	await p.getByLabel('Upload File').setInputFiles(file);
	await button(p, 'Add File').click().catch(() => {});
	await button(p, 'Save').last().click();
	await p.getByText(device.slice(0, 10)).first().waitFor();
});

await t.step(p, 'a device enrols, and the page shows it by itself',
	async () => {
		const q = await t.person();

		await t.login(q, 'admin', password, t.totp(secret, 1));
		t.result(true, 'logged in with another code');
		execFileSync(process.env.QUOIN_AGENT, ['--fleet',
			join(work, 'fleet'), '--server', process.env.QUOIN_DEVICE,
			'--root', process.env.QUOIN_ROOT, '--once'],
			{ stdio: 'ignore' });
		await p.getByRole('row').filter({
			hasText: device.slice(0, 10) }).getByText('Enrolled')
			.waitFor();
		await q.getByText(/enrolled successfully/).first().waitFor();
		t.result(true, 'so does the dashboard of another browser');
		await q.context().close();
	});

await t.step(p, 'it is found from any page, and revoked', async () => {
	await menu(p, 'Dashboard');
	await p.getByRole('searchbox').or(p.getByRole('combobox')).first()
		.fill(device.slice(0, 8));
	await p.getByRole('option').first().click();
	await button(p, 'Revoke').first().click();
	await dialog(p).getByLabel('Reason').fill('lost in the factory');
	await button(dialog(p), 'Revoke').click();
	await p.getByText('lost in the factory').first().waitFor();
});

// --- what lists and lights can do

await t.step(p, 'a light tells more by keyboard', async () => {
	await menu(p, 'Dashboard');
	await p.getByRole('button', { name: /^HSM/ }).focus();
	await p.keyboard.press('Tab');
	await p.getByRole('tooltip').filter({ hasText: 'device port' })
		.waitFor();
});

await t.step(p, 'columns and the whole of a message', async () => {
	const head = p.getByRole('columnheader', { name: 'User' });

	t.is(await head.count(), 0, 'the column is not there yet');
	await button(p, 'Column settings').click();
	await dialog(p).getByLabel('User').check();
	await button(dialog(p), 'Done').click();
	await head.waitFor();
	await button(p, 'Column settings').click();
	await button(dialog(p), 'Reset').click();
	await button(dialog(p), 'Done').click();
	await head.waitFor({ state: 'detached' });
	t.is(await p.getByText(device).count(), 0, 'a DeviceID is cut');
	await button(p, 'Screen extend').click();
	await p.getByText(device).first().waitFor();
	await button(p, 'Screen extend').click();
});

await t.step(p, 'a policy chooses one of the hubs there are', async () => {
	// One that another program has made.
	await p.evaluate(async () => {
		const at = '/api/v1/';
		const { csrf } = await (await fetch(`${at}session`)).json();

		await fetch(`${at}policies`, { method: 'POST', headers: {
			'Content-Type': 'application/json', 'X-Quoin-CSRF': csrf,
		}, body: JSON.stringify({ name: 'elsewhere', hub: 'north',
			device_lifetime: 86400, issuing_lifetime: 8640000 }) });
	});
	await menu(p, 'Policies');
	await row(p, 'elsewhere').waitFor();
	await button(p, 'Edit kitchen').click();
	await p.getByLabel('Select IoT Hub').selectOption('north');
	await p.getByText('Devices are sent to the hub "north"').waitFor();
	await button(p, 'Save Policy').click();
	await row(p, 'kitchen').getByText('north').waitFor();
});

await t.step(p, 'and that is undone', async () => {
	await button(p, 'Undo').click();
	await row(p, 'kitchen').getByText('none', { exact: true }).waitFor();
});

await t.step(p, 'a batch\'s devices by how they begin, as CSV too',
	async () => {
		await p.goto(`${t.url}/#/devices/fridges`);
		await p.getByLabel('Search by DeviceID').fill(device.slice(0, 9));
		await p.getByText('1 row', { exact: true }).waitFor();
		const [file] = await Promise.all([p.waitForEvent('download'),
			p.getByRole('link', { name: 'Export CSV' }).click()]);
		const lines = readFileSync(await file.path(), 'utf8').trim()
			.split('\n');

		t.is(lines.length, 2, 'what is exported is what is seen');
		await p.getByLabel('Search by DeviceID').fill('fffffffff');
		await button(p, 'Clear the filters').click();
		await p.getByText('9 rows', { exact: true }).waitFor();
	});

await t.step(p, 'links for help, and the certificate of the page',
	async () => {
		await menu(p, 'Settings');
		await p.getByLabel('Feedback link').fill('mailto:it@example.org');
		await p.getByRole('button', { name: 'Save' }).first().click();
		const link = p.getByRole('link', { name: 'Feedback' });

		await link.waitFor();
		t.is(await link.getAttribute('target'), null,
			'mail opens no tab');
		await button(p, 'Undo').last().click();
		await link.waitFor({ state: 'detached' });
		await p.getByRole('link', { name: 'Certificate of this page' })
			.click();
		await p.getByRole('heading', { name: 'Certificate in use' })
			.waitFor();
	});

// --- HSM

await t.step(p, 'a token', async () => {
	await menu(p, 'HSM');
	await p.getByRole('link', { name: 'Tokens' }).click();
	await button(p, 'Create Token').first().click();
	await p.getByLabel('Name', { exact: true }).fill('GoodToken');
	await p.getByLabel('Select Batch').selectOption('fridges');
	await p.getByLabel('Not After').fill('2036-01-01');
	await button(dialog(p), 'Save').click();
	await p.getByText(/[A-Za-z0-9]{32}/).first().waitFor();
	await p.keyboard.press('Escape');
	await row(p, 'GoodToken').waitFor();
});

await t.step(p, 'an Auth Cert', async () => {
	const pem = join(work, 'vendor.pem');

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
		'ec_paramgen_curve:P-256', '-nodes', '-subj',
		'/O=Chips/CN=Vendor CA', '-days', '365', '-keyout',
		join(work, 'vendor.key'), '-out', pem], { stdio: 'ignore' });
	await p.getByRole('link', { name: 'Auth Certs' }).click();
	await button(p, 'Add Certificate').first().click();
	await p.getByLabel('Certificate PEM').fill(readFileSync(pem, 'utf8'));
	await p.getByLabel(/^Name/).fill('vendor');
	await p.getByLabel('Select batch').selectOption('fridges');
	await button(dialog(p), 'Save').click();
	await row(p, 'vendor').waitFor();
});

await t.step(p, 'an imported signing key is marked', async () => {
	const key = join(work, 'dev.pem');

	execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt',
		'ec_paramgen_curve:P-256', '-out', key], { stdio: 'ignore' });
	await p.getByRole('link', { name: 'Signing Keys' }).click();
	await button(p, 'Create Signing key').first().click();
	await button(p, 'Import Key').click();
	await p.getByLabel('Signing Key Name').fill('dev');
	await p.getByLabel('Private Key (in PEM file format)')
		.fill(readFileSync(key, 'utf8'));
	await button(dialog(p), 'Save').click();
	await row(p, 'nohsm:dev').waitFor();
});

// --- users

await t.step(p, 'a contributor is made', async () => {
	await menu(p, 'Users');
	await button(p, 'Create User').first().click();
	await p.getByLabel('Username').fill('con');
	await p.getByLabel('First Name').fill('Connie');
	await p.getByLabel('Email').fill('con@example.org');
	await p.getByRole('radio', { name: /Contributor/ }).check();
	await p.getByLabel('Password', { exact: true }).fill(password);
	await p.getByLabel('Confirm Password').fill(password);
	await button(dialog(p), 'Save User').click();
	await row(p, 'con@example.org').waitFor();
});

await t.step(p, 'a user is edited, and that is undone', async () => {
	await button(p, 'Actions for con').click();
	await p.getByRole('menuitem', { name: 'Edit' }).click();
	await p.getByLabel('Email').fill('other@example.org');
	await button(dialog(p), 'Save User').click();
	await row(p, 'other@example.org').waitFor();
	await button(p, 'Undo').last().click();
	await row(p, 'con@example.org').waitFor();
});

await t.step(p, 'who logs in with a code of oathtool, and sees less',
	async () => {
		const q = await t.person();

		await t.login(q, 'con', password);
		const links = await q.locator('#main-menu a:not(.brand)')
			.allInnerTexts();

		t.is(links.join(','), 'Dashboard,Devices,HSM,Policies,Logs',
			'a contributor\'s menu');
		await q.goto(t.url + '/#/users');
		await q.waitForTimeout(500);
		t.is(await button(q, 'Create User').count(), 0,
			'no Users by address either');
		await q.context().close();
	});

// --- every page, light and dark, desktop and phone

const pages = {
	dashboard: '#/', devices: '#/devices', batch: '#/devices/fridges',
	device: `#/device/${device}`, hsm: '#/hsm',
	'hsm-tls': '#/hsm?tab=tls', 'hsm-auth': '#/hsm?tab=auth',
	'hsm-tokens': '#/hsm?tab=tokens', 'hsm-keys': '#/hsm?tab=keys',
	approvals: '#/approvals', 'admin-tls': '#/tls', policies: '#/policies',
	users: '#/users', logs: '#/logs', settings: '#/settings',
	profile: '#/profile',
};
const state = await p.context().storageState();

for (const dark of [false, true]) {
	const q = await t.person({ dark });

	await t.step(q, 'the login page', async () => {
		await q.goto(t.url);
		await button(q, 'Login').waitFor();
		await t.look(q, `login${dark ? '-dark' : ''}`);
	});
	await q.context().close();
}

for (const [dark, phone] of [[false, false], [true, false], [false, true],
	[true, true]]) {
	const q = await t.person({ dark, phone, state });
	const kind = (phone ? 'phone' : 'desktop') + (dark ? '-dark' : '');

	for (const [name, hash] of Object.entries(pages)) {
		await t.step(q, `${name}, ${kind}`, async () => {
			await q.goto(t.url + '/' + hash);
			await q.getByRole('heading', { level: 1 }).waitFor();
			await q.waitForTimeout(400);
			await t.look(q, `${name}-${kind}`);
			t.result(await q.evaluate(() =>
				document.documentElement.scrollWidth <=
				document.documentElement.clientWidth),
			`${name}-${kind}: fits the width`);
		});
	}
	await q.context().close();
}

// --- dialogs, the same

/** Where each is, and what opens it. */
const dialogs = [
	['batch-form', '#/devices', 'Create Batch'],
	['batch-edit', '#/devices', 'Edit fridges'],
	['batch-delete', '#/devices', 'Delete fridges'],
	['policy-form', '#/policies', 'Create Policy'],
	['root', '#/hsm', 'Show OEM Root'],
	['auth-form', '#/hsm?tab=auth', 'Add Certificate'],
	['token-form', '#/hsm?tab=tokens', 'Create Token'],
	['key-form', '#/hsm?tab=keys', 'Create Signing key'],
	['user-form', '#/users', 'Create User'],
	['invite', '#/users', 'Invite User'],
	['columns', '#/logs', 'Column settings'],
	['api-token', '#/profile', 'Create API token'],
];

for (const [dark, phone] of [[false, false], [true, true]]) {
	const q = await t.person({ dark, phone, state });
	const kind = (phone ? 'phone' : 'desktop') + (dark ? '-dark' : '');

	for (const [name, hash, opens] of dialogs) {
		await t.step(q, `${name}, ${kind}`, async () => {
			await q.goto(t.url + '/' + hash);
			await button(q, opens).first().click();
			await dialog(q).waitFor();
			await t.look(q, `${name}-${kind}`, false);
			await q.keyboard.press('Escape');
			await dialog(q).waitFor({ state: 'detached' });
		});
	}
	await q.context().close();
}
await t.stop();
t.end();
