// SPDX-License-Identifier: Apache-2.0
// How long the administration takes in Chromium, a line of JSON for each
// figure: the first view of the dashboard by one who is logged in and has
// nothing of it in the cache yet, and a list of DeviceIDs through the page of
// a batch that has none.
//
// From the environment, beside those of lib.mjs: QUOIN_USER, QUOIN_PASSWORD,
// QUOIN_BATCH, QUOIN_FILE (the list), QUOIN_VIEWS (how many first views).
import * as t from './lib.mjs';

const env = process.env;

function figure(what, seconds) {
	console.log(JSON.stringify({ what, seconds }));
}

/** Seconds from the start of navigation until the figures are there. */
async function firstView(state) {
	const p = await t.person({ state });

	await p.addInitScript(() => {
		const look = () => {
			if (!document.querySelector('.dash-two'))
				return requestAnimationFrame(look);
			window.quoinSeen = performance.now();
		};

		look();
	});
	await p.goto(t.url);
	await p.waitForFunction(() => window.quoinSeen);
	const ms = await p.evaluate(() => window.quoinSeen);

	await p.context().close();
	return ms / 1000;
}

async function upload(p) {
	await p.goto(`${t.url}/#/devices/${env.QUOIN_BATCH}`);
	await p.getByRole('button', { name: 'Edit', exact: true }).first()
		.click();
	await p.getByLabel('Upload File').setInputFiles(env.QUOIN_FILE);
	const start = Date.now();

	await p.getByRole('button', { name: 'Add File' }).click()
		.catch(() => {});
	await p.getByRole('button', { name: 'Save' }).last().click();
	await p.getByRole('row').nth(1).getByText(/[0-9a-f]{10}/).first()
		.waitFor();
	return (Date.now() - start) / 1000;
}

await t.start();
const p = await t.person();

await t.login(p, env.QUOIN_USER, env.QUOIN_PASSWORD);
const state = await p.context().storageState();
const views = [];

for (let i = 0; i < Number(env.QUOIN_VIEWS); i++)
	views.push(await firstView(state));
views.sort((a, b) => a - b);
figure('first view of the dashboard', views[views.length >> 1]);
figure('the slowest of them', views.at(-1));
p.setDefaultTimeout(120000);
figure('a list of DeviceIDs through the page', await upload(p));
await t.stop();
