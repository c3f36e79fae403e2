// SPDX-License-Identifier: Apache-2.0
// What the browser's tests share: TAP, one Chromium, people who log in.
//
// From the environment: QUOIN_URL (https://localhost:PORT), QUOIN_SHOTS (a
// folder for pictures), QUOIN_CTL (quoinctl of the appliance under test).
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const require = createRequire(import.meta.url);

export const url = process.env.QUOIN_URL;
export const shots = process.env.QUOIN_SHOTS;
const axe = require.resolve('axe-core/axe.min.js');

// --- TAP

let n = 0;
let bad = 0;

export function result(good, what, note = '') {
	n++;
	bad += good ? 0 : 1;
	console.log(`${good ? 'ok' : 'not ok'} ${n} - ${what}`);
	if (!good && note)
		console.log(String(note).replace(/^/gm, '# '));
	return good;
}

/** Steps of a walk: one that throws fails, with a picture. */
export async function step(page, what, fn) {
	try {
		await fn();
		result(true, what);
	} catch (e) {
		await page?.screenshot({ path: `${shots}/failed-${n + 1}.png` })
			.catch(() => {});
		result(false, what, e.message + '\n' + (page?.url() ?? ''));
	}
}

export function is(got, want, what) {
	return result(got === want, what, `got:  ${got}\nwant: ${want}`);
}

export function end() {
	console.log(`1..${n}`);
	process.exit(bad ? 1 : 0);
}

// --- the appliance

export function ctl(...args) {
	return execFileSync('bash', ['-c', '"$@"', 'ctl',
		...process.env.QUOIN_CTL.split(' '), ...args],
		{ encoding: 'utf8' }).trim();
}

/** The code of a second factor, by another program than ours. */
export function totp(secret, offset = 0) {
	const at = new Date(Date.now() + offset * 30000).toISOString()
		.replace('T', ' ').replace(/\..*/, ' UTC');

	return execFileSync('oathtool', ['--totp', '-b', '-N', at, secret],
		{ encoding: 'utf8' }).trim();
}

// --- the browser

let browser;

export async function start() {
	mkdirSync(shots, { recursive: true });
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
			'--no-first-run', '--disable-background-networking',
			'--disable-component-update', '--disable-sync'],
	});
}

export async function stop() {
	await browser?.close();
}

/** A person's browser. What it asks of others than the appliance, and what
 * it complains about, is kept. */
export async function person({ dark = false, phone = false, state } = {}) {
	const context = await browser.newContext({
		ignoreHTTPSErrors: true,
		storageState: state,
		colorScheme: dark ? 'dark' : 'light',
		viewport: phone ? { width: 360, height: 740 } :
			{ width: 1280, height: 900 },
		acceptDownloads: true,
		locale: 'en-GB',
		timezoneId: 'Europe/Berlin',
	});
	const page = await context.newPage();

	page.setDefaultTimeout(Number(process.env.QUOIN_PATIENCE ?? 10000));
	page.strangers = [];
	page.complaints = [];
	page.on('request', (r) => {
		if (!r.url().startsWith(url) && !/^(data|blob):/.test(r.url()))
			page.strangers.push(r.url());
	});
	page.on('console', (m) => {
		if (m.type() === 'error' && !/status of 4\d\d/.test(m.text()))
			page.complaints.push(m.text());
	});
	page.on('pageerror', (e) => page.complaints.push(e.message));
	return page;
}

/** Violations of WCAG 2.1 A and AA on the page as it stands. */
export async function violations(page) {
	// The page's policy lets no script in but its own.
	await page.evaluate(await axeSource());
	const found = await page.evaluate(() => window.axe.run(document, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',
			'best-practice'],
	}));

	return found.violations.map((v) => `${v.id}: ${v.help}: ` +
		v.nodes.slice(0, 3).map((x) => x.html).join(' | '));
}

let source;
async function axeSource() {
	const { readFile } = await import('node:fs/promises');

	source ??= await readFile(axe, 'utf8');
	return source;
}

export async function picture(page, name, fullPage = true) {
	await page.waitForTimeout(150);
	await page.screenshot({ path: `${shots}/${name}.png`, fullPage });
}

/** Judge and draw a page: accessible, nothing from elsewhere, no complaint.
 * Not the whole of it but what is in sight, for dialogs. */
export async function look(page, name, whole = true) {
	await picture(page, name, whole);
	const wrong = await violations(page);

	result(wrong.length === 0, `${name}: axe finds nothing`,
		wrong.join('\n'));
	result(page.strangers.length === 0, `${name}: asks nobody else`,
		page.strangers.join('\n'));
	result(page.complaints.length === 0, `${name}: the console is silent`,
		page.complaints.join('\n'));
	page.complaints.length = 0;
}

/** Log in; who has no second factor yet leaves it for later. */
export async function login(page, user, password, code) {
	await page.goto(url);
	await page.getByLabel('Username or e-mail').fill(user);
	await page.getByLabel('Password', { exact: true }).fill(password);
	await page.getByRole('button', { name: 'Login' }).click();
	if (code) {
		await page.getByLabel('Code').fill(code);
		await page.getByRole('button', { name: 'Login' }).click();
	}
	const dashboard = page.getByRole('heading', { name: 'Dashboard' });
	const later = page.getByRole('button', { name: /not recommended/i });

	await dashboard.or(later).first().waitFor();
	if (!code && await later.count())
		await later.click();
	await dashboard.waitFor();
}
