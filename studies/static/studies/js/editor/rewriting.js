import { Refused } from "./server.js";

const RETRY_MS = 4_000;

/**
 * Returns the text with the edits of a form applied. If the server cannot be reached or the text changes meanwhile, it
 * tries again on the current text, so that no edit is lost.
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
