import { Multitrack } from "../players/multitrack.js";
import { Waveform } from "../players/waveform.js";

// Creates every player of the page. A single recording is fetched when its player comes near the screen.
const players = /** @type {Map<Element, Waveform>} */ (new Map());
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

for (const root of document.querySelectorAll("[data-multitrack]")) if (root instanceof HTMLElement) new Multitrack(root);
for (const root of document.querySelectorAll("[data-waveform]")) {
  if (!(root instanceof HTMLElement)) continue;
  players.set(root, new Waveform(root));
  near.observe(root);
}
