import { Multitrack } from "../players/multitrack.js";
import { Waveform } from "../players/waveform.js";

// Creates every player of the page. A recording is fetched when its player comes near the screen.
const players = /** @type {Map<Element, Waveform | Multitrack>} */ (new Map());
const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      players.get(target)?.load();
    }
  },
  { rootMargin: "300px" },
);

for (const root of document.querySelectorAll("[data-waveform], [data-multitrack]")) {
  if (!(root instanceof HTMLElement)) continue;
  players.set(root, "waveform" in root.dataset ? new Waveform(root) : new Multitrack(root));
  near.observe(root);
}
