// SPDX-License-Identifier: Apache-2.0
// PEM to look at and to take along.
import { Button } from './button.js';
import { Copy, download } from './copy.js';
import { html } from './preact.js';

/**
 * A PEM text with Copy and Download.
 * @param {{ pem: string, file: string, what?: string }} props file: the name
 *	it is saved as, 'root.pem'; what: 'Certificate'
 */
export function Pem({ pem, file, what = 'PEM' }) {
	return html`<div class="pem">
		<pre tabindex="0" role="region" aria-label=${what}>${pem}</pre>
		<div class="buttons start">
			<${Copy} text=${pem} what=${what} words />
			<${Button} icon="download" run=${() => download(file, pem,
				'application/x-pem-file')}>Download</>
		</div></div>`;
}
