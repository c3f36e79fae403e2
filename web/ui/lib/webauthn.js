// SPDX-License-Identifier: Apache-2.0
// Approvers' credentials (WebAuthn level 2): what the browser is asked, and
// what it gave, as JSON (section 5.1 PublicKeyCredential, toJSON of level 3).

/** @param {ArrayBuffer | Uint8Array} bytes */
export function encode(bytes) {
	let text = '';

	for (const b of new Uint8Array(bytes))
		text += String.fromCharCode(b);
	return btoa(text).replaceAll('+', '-').replaceAll('/', '_')
		.replace(/=+$/, '');
}

/** @param {string} text base64url, or base64 */
export function decode(text) {
	const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));

	return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** Can this page use credentials at all? The reason why not, or ''. */
export function unable() {
	if (!globalThis.PublicKeyCredential || !navigator.credentials)
		return 'This browser has no WebAuthn here. It needs a page ' +
			'that was opened by https.';
	if (/^[\d.]+$|:/.test(location.hostname))
		return 'Browsers bind credentials to names, not to addresses: ' +
			'open this page by the name of the appliance.';
	return '';
}

/**
 * What navigator.credentials.create() is asked for a new approver.
 * @param {string} name
 * @param {string} rpId the page's host
 * @param {Uint8Array<ArrayBuffer>} challenge random: what matters is proved later
 */
export function creation(name, rpId, challenge) {
	return {
		publicKey: {
			rp: { id: rpId, name: 'Quoin' },
			user: {
				id: new TextEncoder().encode(name.slice(0, 64)),
				name, displayName: name,
			},
			challenge,
			pubKeyCredParams: [
				/** @type {{ type: 'public-key', alg: number }} */
				({ type: 'public-key', alg: -7 })],
			attestation: /** @type {'none'} */ ('none'),
			authenticatorSelection: {
				userVerification:
					/** @type {'required'} */ ('required'),
				residentKey:
					/** @type {'discouraged'} */ ('discouraged'),
			},
			timeout: 120000,
		},
	};
}

/**
 * What the console takes: quoinctl hsm approver add NAME --webauthn FILE.
 * @param {any} credential of navigator.credentials.create()
 * @param {string} rpId
 * @param {string} origin
 */
export function registration(credential, rpId, origin) {
	const r = credential.response;

	return {
		id: encode(credential.rawId),
		rawId: encode(credential.rawId),
		type: credential.type,
		response: {
			clientDataJSON: encode(r.clientDataJSON),
			attestationObject: encode(r.attestationObject),
			authenticatorData: encode(r.getAuthenticatorData()),
			publicKey: encode(r.getPublicKey()),
			publicKeyAlgorithm: r.getPublicKeyAlgorithm(),
		},
		rpId, origin,
	};
}

/**
 * Is the credential one that is copied between machines (BE, section 6.1)?
 * Those do not count as approvers.
 * @param {ArrayBuffer | Uint8Array} authData
 */
export function synchronised(authData) {
	return (new Uint8Array(authData)[32] & 0x08) !== 0;
}

/**
 * What navigator.credentials.get() is asked to agree to an approval.
 * @param {import('./fleet').Approval} approval
 */
export function request(approval) {
	return {
		publicKey: {
			challenge: decode(approval.challenge),
			rpId: approval.rp_id,
			allowCredentials: (approval.credentials ?? []).map((c) => ({
				type: /** @type {'public-key'} */ ('public-key'),
				id: decode(c.id),
			})),
			userVerification: /** @type {'required'} */ ('required'),
			timeout: 120000,
		},
	};
}

/**
 * Who agreed, by the credential that was used, and what the server takes.
 * @param {import('./fleet').Approval} approval
 * @param {any} credential of navigator.credentials.get()
 */
export function assertion(approval, credential) {
	const id = encode(credential.rawId);
	const r = credential.response;

	return {
		approver: (approval.credentials ?? []).find((c) =>
			encode(decode(c.id)) === id)?.approver ?? '',
		credential: {
			id, rawId: id, type: credential.type,
			response: {
				clientDataJSON: encode(r.clientDataJSON),
				authenticatorData: encode(r.authenticatorData),
				signature: encode(r.signature),
			},
		},
	};
}
