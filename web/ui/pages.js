// SPDX-License-Identifier: Apache-2.0
// Every page, in the order of the menu. A page is a module of pages/ that
// exports
//
//	page = { path: '/devices/:name', title, view, menu?, icon?, roles?,
//		open?, home? }
//
// view: a component that gets { params, query }; menu: stands in the menu;
// icon: of lib/icons.js; roles: who may see it, all if absent; open: for
// those who are not logged in; home: path of the menu entry it belongs to.
import { page as dashboard } from './pages/dashboard.js';
import { page as devices } from './pages/devices.js';
import { page as batch } from './pages/batch.js';
import { page as device } from './pages/device.js';
import { page as hsm } from './pages/hsm.js';
import { page as approvals } from './pages/approvals.js';
import { page as tls } from './pages/admintls.js';
import { page as policies } from './pages/policies.js';
import { page as users } from './pages/users.js';
import { page as logs } from './pages/logs.js';
import { page as settings } from './pages/settings.js';
import { page as profile } from './pages/profile.js';
import { page as login } from './pages/login.js';
import { page as forgot } from './pages/forgot.js';
import { page as link } from './pages/link.js';
import { page as signup } from './pages/signup.js';

/** @typedef {{ path: string, title: string, view: any, menu?: boolean,
 *	icon?: string, roles?: string[], open?: boolean, home?: string }} Page */

/** @type {Page[]} */
export const pages = [
	dashboard,
	devices,
	batch,
	device,
	hsm,
	approvals,
	tls,
	policies,
	users,
	logs,
	settings,
	profile,
	login,
	forgot,
	link,
	signup,
];
