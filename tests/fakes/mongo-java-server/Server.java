// SPDX-License-Identifier: Apache-2.0

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** A server of MongoDB's wire protocol in memory, on the port given. */
class Server {
	public static void main(String[] args) {
		new MongoServer(new MemoryBackend())
			.bind("127.0.0.1", Integer.parseInt(args[0]));
	}
}
