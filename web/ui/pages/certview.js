// SPDX-License-Identifier: Apache-2.0
// Certificates to look at: one with its chain, and all as a tree.
import { Button } from '../lib/button.js';
import { above, chain, chainPem, tree, validity } from '../lib/chain.js';
import { download, LongId } from '../lib/copy.js';
import { Dialog } from '../lib/dialog.js';
import { Pem } from '../lib/pem.js';
import { html } from '../lib/preact.js';
import { Facts, Pill, When } from '../lib/show.js';

/** @typedef {import('../lib/fleet').Cert} Cert */
/** @typedef {import('../lib/chain').Node} Node */

/** @param {Cert} c */
export const certName = (c) => c.name || c.policy || c.subject || c.id;

/**
 * Names that tell the rows of a list apart: those that are there twice have
 * the beginning of their id behind them.
 * @param {Cert[]} certs
 * @returns {(c: Cert) => string}
 */
export function namesOf(certs) {
	/** @type {Map<string, number>} */
	const n = new Map();

	for (const c of certs)
		n.set(certName(c), (n.get(certName(c)) ?? 0) + 1);
	return (c) => (n.get(certName(c)) ?? 0) > 1 ?
		`${certName(c)} ${c.id.slice(0, 8)}` : certName(c);
}

/** @param {Cert} c */
export const fileName = (c) =>
	`${certName(c).replace(/[^\w.-]+/g, '_')}.pem`;

/** @type {Record<string, [string, 'green' | 'red' | 'orange' | 'grey']>} */
const words = {
	valid: ['Valid', 'green'],
	soon: ['Ends soon', 'orange'],
	expired: ['Expired', 'red'],
	early: ['Not valid yet', 'grey'],
};

/** @param {{ c: Cert }} props */
export function CertState({ c }) {
	const [label, color] = words[validity(c)];

	return html`<span class="pills"><${Pill} color=${color}>${label}</>
		${c.state && !['active', 'valid', 'current'].includes(c.state) &&
			html`<${Pill}>${c.state}</>`}</span>`;
}

/** @param {{ nodes: Node[], on?: string, root?: Cert,
 *	onOpen: (c: Cert) => void }} props */
function Branch({ nodes, on, root, onOpen }) {
	return html`<ul>${nodes.map(({ cert: c, below }) => html`
		<li key=${c.id}><div class="node ${c.id === on ? 'on' : ''}">
			<button type="button" class="link" aria-current=${c.id === on ?
				'true' : undefined} onClick=${() => onOpen(c)}
				>${c.id === root?.id ? 'OEM Root' : certName(c)}</button>
			${c.purpose?.startsWith('tls-') && html`<small>${c.purpose}
				</small>`}
			<small>until <${When} at=${c.not_after} /></small>
			<${CertState} c=${c} /></div>
			${below.length > 0 && html`<${Branch} nodes=${below} on=${on}
				root=${root} onOpen=${onOpen} />`}</li>`)}</ul>`;
}

/**
 * Who issued whom.
 * @param {{ root?: Cert, certs: Cert[], on?: string, label: string,
 *	onOpen: (c: Cert) => void }} props on: id of the one to mark
 */
export function Tree({ root, certs, on, label, onOpen }) {
	return html`<div class="tree" role="group" aria-label=${label}>
		<${Branch} nodes=${tree(root, certs)} on=${on} root=${root}
			onOpen=${onOpen} /></div>`;
}

/**
 * One certificate, its chain above it.
 * @param {{ c: Cert, root?: Cert, certs: Cert[], onClose: () => void,
 *	onOpen: (c: Cert) => void }} props onOpen: another one of the chain
 */
export function CertDialog({ c, root, certs, onClose, onOpen }) {
	const line = chain(c, root, certs);
	const own = c.id === root?.id;
	// What stands in line is one branch of the tree.
	const steps = line.map((x, i) => ({ ...x,
		chain: i > 0 ? [line[i - 1].id] : [] }));

	return html`<${Dialog} wide onClose=${onClose}
		title=${own ? 'OEM Root' : certName(c)}>
		<div class="stack">
		<${Facts} items=${[
			['State', html`<${CertState} c=${c} />`],
			['Purpose', c.purpose],
			['Subject', c.subject],
			['Policy', c.policy],
			['Issuer', !own && c.issuer],
			['Not before', html`<${When} at=${c.not_before} />`],
			['Not after', html`<${When} at=${c.not_after} />`],
			['Has issued', c.issued === undefined ? '' :
				c.issued ? 'Yes' : 'None yet'],
			['Revocation list', c.crl_number !== undefined &&
				`Number ${c.crl_number}`],
			['Serial number', c.serial && html`<${LongId} whole
				id=${c.serial} what="Serial number" />`],
			['SHA-256 fingerprint', c.fingerprint && html`<${LongId} whole
				id=${c.fingerprint} what="Fingerprint" />`],
		]} />
		${line.length > 1 && html`<div><h3>Chain</h3>
			<${Tree} root=${steps[0]} certs=${steps.slice(1)} on=${c.id}
				label="Chain" onOpen=${(/** @type {Cert} */ x) =>
					onOpen(line.find((y) => y.id === x.id) ?? c)} />
			${above(c) && line.length > 2 && html`<div class="buttons start">
				<${Button} icon="download" run=${() => download(
					`chain-${fileName(c)}`, chainPem(line),
					'application/x-pem-file')}>Download chain</></div>`}
			</div>`}
		${c.pem && html`<${Pem} pem=${c.pem} file=${own ? 'root.pem' :
			fileName(c)} what="Certificate" />`}
		</div></>`;
}
