// SPDX-License-Identifier: Apache-2.0
// "I'm not a robot": a proof of work, so that no third party is asked.
import { get } from './api.js';
import { Icon } from './icons.js';
import { html, useEffect, useRef, useState } from './preact.js';

/**
 * @param {string} challenge @param {number} difficulty
 * @param {(worker: Worker) => void} started
 * @returns {Promise<string>} the nonce
 */
function work(challenge, difficulty, started) {
	return new Promise((resolve, reject) => {
		const worker = new Worker(new URL('pow-worker.js', import.meta.url),
			{ type: 'module' });

		started(worker);
		worker.onmessage = (e) => {
			worker.terminate();
			resolve(e.data);
		};
		worker.onerror = () => {
			worker.terminate();
			reject(new Error('The browser could not run the check.'));
		};
		worker.postMessage({ challenge, difficulty });
	});
}

/**
 * The button. onDone gets { challenge, nonce } for the `captcha` member of a
 * request, or null when it has to be pressed again (it holds for five
 * minutes and one request: give `key` a new value after that).
 * @param {{ onDone: (captcha: { challenge: string, nonce: string } | null)
 *	=> void }} props
 */
export function Robot({ onDone }) {
	const [state, setState] = useState(
		/** @type {'no' | 'busy' | 'yes' | 'failed'} */ ('no'));
	/** @type {{ current: Worker | undefined }} */
	const worker = useRef(undefined);
	const timer = useRef(0);
	const run = async () => {
		setState('busy');
		try {
			const { challenge, difficulty } = await get('/captcha');
			const nonce = await work(challenge, difficulty, (w) => {
				worker.current = w;
			});

			onDone({ challenge, nonce });
			setState('yes');
			timer.current = setTimeout(() => {
				onDone(null);
				setState('no');
			}, 290000);
		} catch {
			setState('failed');
		}
	};

	useEffect(() => () => {
		worker.current?.terminate();
		clearTimeout(timer.current);
	}, []);
	return html`<button type="button" class="robot" aria-busy=${
		state === 'busy'} disabled=${state === 'busy' || state === 'yes'}
		aria-pressed=${state === 'yes'} onClick=${run}>
		<span class="tick" aria-hidden="true">${state === 'yes' &&
			html`<${Icon} name="check" />`}</span>
		<span>I'm not a robot
			<small role="status">${state === 'busy' ? ' Your ' +
				'browser works on it, a moment.' :
				state === 'failed' ? ' That did not work. Press it ' +
				'again.' : ''}</small></span>
	</button>`;
}
