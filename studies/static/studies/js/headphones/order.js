// Twin of order_of in studies/design/headphones.py; tests/data/headphones.json holds both to it.

const ORDERS = /** @type {const} */ ([
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
]);

/**
 * @param {string} seed of the session
 * @param {number} attempt from 0
 * @param {number} trial from 0
 * @returns {Promise<{order: readonly number[], noiseSeed: number}>} which sound comes first, second and third (0 is the
 *   one to find), and where the trial's noise begins
 */
export async function orderOf(seed, attempt, trial) {
  const text = new TextEncoder().encode(`${seed}:${attempt}:${trial}`);
  const digest = new DataView(await crypto.subtle.digest("SHA-256", text));
  return { order: ORDERS[digest.getUint32(0) % ORDERS.length], noiseSeed: digest.getUint32(4) };
}
