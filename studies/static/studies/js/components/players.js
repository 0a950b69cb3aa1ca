import { Multitrack } from "../players/multitrack.js";
import { Waveform } from "../players/waveform.js";

// Mounts every player of the page; a recording is fetched when it comes near the screen.
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
