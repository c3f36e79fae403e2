// SPDX-License-Identifier: Apache-2.0
// HSM (guide, section 9): certificates, Auth Certs, tokens, signing keys.
import { Button, IconButton, LinkButton } from '../lib/button.js';
import { copyText, download } from '../lib/copy.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { to } from '../lib/route.js';
import { isAdmin } from '../lib/session.js';
import { Card, Facts, Pill, Tabs, When } from '../lib/show.js';
import { Table } from '../lib/table.js';
import { useChange, useKept, useLoad } from '../lib/use.js';
import { AuthCerts } from './authcerts.js';
import {
	CertDialog, certName, CertState, fileName, namesOf, Tree,
} from './certview.js';
import { Keys } from './keys.js';
import { Tokens } from './tokens.js';

/** @typedef {import('../lib/fleet').Cert} Cert */

const tabs = [
	{ id: 'issuing', label: 'Issuing certificates' },
	{ id: 'tls', label: 'TLS' },
	{ id: 'auth', label: 'Auth Certs' },
	{ id: 'tokens', label: 'Tokens' },
	{ id: 'keys', label: 'Signing Keys' },
];

/** @param {Cert} c */
function tlsFor(c) {
	return c.purpose === 'tls-admin' ? 'Browsers, on these pages' :
		c.purpose === 'tls-device' ? 'Devices' : c.purpose;
}

/** @type {import('../lib/types').Column<Cert>[]} */
const columns = [
	{ id: 'name', title: 'Name', value: certName },
	{ id: 'state', title: 'State', value: (c) => c.state,
		cell: (c) => html`<${CertState} c=${c} />` },
	{ id: 'from', title: 'Not Before', value: (c) => c.not_before,
		cell: (c) => html`<${When} at=${c.not_before} />` },
	{ id: 'to', title: 'Not After', value: (c) => c.not_after,
		cell: (c) => html`<${When} at=${c.not_after} />` },
	{ id: 'serial', title: 'Serial number', value: (c) => c.serial,
		mono: true, hidden: true },
	{ id: 'fingerprint', title: 'SHA-256 fingerprint', mono: true,
		wide: true, value: (c) => c.fingerprint, hidden: true },
];

/** @type {import('../lib/types').Column<Cert>[]} */
const issuingColumns = [
	columns[0],
	{ id: 'policy', title: 'Policy', value: (c) => c.policy },
	columns[1],
	{ id: 'issued', title: 'Used', value: (c) => c.issued,
		cell: (c) => c.issued === false ?
			html`<span class="soft nowrap">Not used</span>` : c.issued && 'Yes' },
	...columns.slice(2),
];

/** @type {import('../lib/types').Column<Cert>[]} */
const tlsColumns = [
	columns[0],
	{ id: 'for', title: 'Shown to', value: tlsFor },
	...columns.slice(1),
];

/** @param {{ root: Cert, onOpen: (c: Cert) => void }} props */
function Root({ root, onOpen }) {
	return html`<div class="root-actions">
		<${IconButton} icon="search" label="Show OEM Root"
			run=${() => onOpen(root)} />
		<${IconButton} icon="copy" label="Copy OEM Root"
			run=${() => copyText(root.pem ?? '', 'OEM Root')} />
		<${IconButton} icon="download" label="Download OEM Root"
			run=${() => download('root.pem', root.pem ?? '',
				'application/x-pem-file')} /></div>`;
}

/** @param {{ hsm: any, onOpen: (c: Cert) => void }} props */
function Overview({ hsm, onOpen }) {
	/** @type {Cert | undefined} */
	const root = hsm.root;

	return html`<${Card} title="OEM Root" class="root"
		side=${root && html`<${Root} root=${root} onOpen=${onOpen} />`}>
		<${Facts} items=${[
			['HSM', html`<${Pill} color=${hsm.ready ? 'green' : 'red'}
				>${hsm.ready ? 'Operational' : 'Away'}</>
				${hsm.text && html` <small>${hsm.text}</small>`}`],
			['PKCS #11 token', hsm.token],
			['Second PKCS #11 token', hsm.token2],
			['Subject', root?.subject],
			['Valid until', root && html`<${When} at=${root.not_after} />`],
			['It cannot do', hsm.cannot],
		]} /></>`;
}

/** @param {{ kind: 'issuing' | 'tls', root?: Cert, open: string }} props
 *	open: id of the one to show at once */
function Certificates({ kind, root, open }) {
	const of = useLoad('/hsm/certificates', { kind: 'all' },
		['cert', 'key', 'policy']);
	const [asTree, setAsTree] = useKept('hsm.tree', false);
	const [shown, setShown] = useState(/** @type {Cert | null} */ (null));
	/** @type {Cert[]} */
	const all = of.data?.items ?? [];
	const certs = all.filter((c) => kind === 'tls' ?
		/tls/.test(c.purpose ?? '') : c.purpose === 'issuing');

	useEffect(() => {
		setShown(all.find((c) => c.id === open) ?? null);
	}, [open, !of.data]);
	return html`<p class="lead">${kind === 'tls' ? html`The certificates that
		the appliance shows to devices and browsers. It makes and renews them
		by itself.${isAdmin() && html` The page of administration may have
		one of your company: <a href="#/tls">Certificate of this
		page</a>.`}` : `They issue the certificates of devices, one for each
		policy. The appliance makes them by itself.`}</p>
	<${Table} id="hsm-${kind}" label=${tabs.find((t) => t.id === kind)?.label}
		columns=${kind === 'tls' ? tlsColumns : issuingColumns} sort="name"
		rows=${of.data && certs} error=${of.error} onReload=${of.reload}
		rowKey=${namesOf(certs)} toolbar=${certs.length > 0 && html`<${Button}
			icon="chain" pressed=${asTree}
			run=${() => setAsTree(!asTree)}>Chain view</>`}
		actions=${[
			{ label: 'Show', icon: 'search', run: setShown },
			{ label: 'Copy PEM of', icon: 'copy',
				run: (/** @type {Cert} */ c) =>
					copyText(c.pem ?? '', 'Certificate') },
			{ label: 'Download PEM of', icon: 'download',
				run: (/** @type {Cert} */ c) => download(fileName(c),
					c.pem ?? '', 'application/x-pem-file') },
		]} empty=${{ title: 'No certificates yet', text: kind === 'tls' ?
			'They are made when the appliance starts.' : `One is made
			with each policy. Create the first policy.`,
		action: kind === 'issuing' && html`<${LinkButton}
			href="#/policies">Go to Policies</>` }} />
	${asTree && certs.length > 0 && html`<${Card} title="Chain view">
		<${Tree} root=${root} certs=${certs} label="Chain view"
			onOpen=${setShown} /></>`}
	${shown && html`<${CertDialog} c=${shown} root=${root} certs=${all}
		key=${shown.id} onClose=${() => setShown(null)}
		onOpen=${setShown} />`}`;
}

/** @param {{ query: Record<string, string> }} props */
function Hsm({ query }) {
	const of = useLoad('/hsm');
	const [root, setRoot] = useState(/** @type {Cert | null} */ (null));
	const tab = tabs.find((t) => t.id === query.tab)?.id ?? 'issuing';

	useChange(['cert', 'key'], of.reload);
	return html`<${Tabs} label="Parts of the HSM" on=${tab}
		items=${tabs.map((t) => ({ ...t, href: to('/hsm', {
			tab: t.id === 'issuing' ? '' : t.id }) }))} />
	${(tab === 'issuing' || tab === 'tls') && html`
		${of.data && html`<${Overview} hsm=${of.data} onOpen=${setRoot} />`}
		<${Certificates} kind=${tab} root=${of.data?.root} key=${tab}
			open=${query.cert ?? ''} />`}
	${tab === 'auth' && html`<${AuthCerts} />`}
	${tab === 'tokens' && html`<${Tokens} />`}
	${tab === 'keys' && html`<${Keys} />`}
	${root && html`<${CertDialog} c=${root} root=${of.data?.root} certs=${[]}
		onClose=${() => setRoot(null)} onOpen=${setRoot} />`}`;
}

export const page = {
	path: '/hsm', title: 'HSM', icon: 'hsm', menu: true, view: Hsm,
};
