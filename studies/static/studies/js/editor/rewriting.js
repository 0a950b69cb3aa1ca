import { Refused } from "./server.js";

const RETRY_MS = 4_000;

/**
 * The text with changes of a form made in it. A change is not lost with the network: it is tried until the server
 * answers, on what the text says by then.
 * @param {import("./server.js").Server} server
 * @param {() => string} read
 * @param {import("./edits.js").Edit[]} edits
 * @param {(told: string) => void} onTrouble
 * @returns {Promise<string>} rejects with Refused
 */
export async function rewritten(server, read, edits, onTrouble) {
  for (;;) {
    const before = read();
    try {
      const after = await server.rewrite(before, edits);
      if (read() === before) return after;
    } catch (error) {
      onTrouble(error instanceof Error ? error.message : String(error));
      if (error instanceof Refused) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
