import { useCatalogue } from "../i18n.js";
import { TalkLine } from "./talk-line.js";

// The talk's audio path runs in a Worker, so that neither the page's other work nor a hidden tab delays it.
const line = new TalkLine((message) => postMessage(message));

onmessage = (/** @type {MessageEvent<import("./messages.js").ToWorker>} */ { data: order }) => {
  switch (order.do) {
    case "listen":
      return line.listen(order);
    case "open":
      useCatalogue(order.catalogue);
      return line.open(order);
    case "mute":
      return line.mute(order.muted);
    case "pause":
      return line.pause(order.paused);
    case "monitor":
      return line.monitor(order.level);
    case "outputClock":
      return line.setOutputClock(order.offsetMs);
    case "end":
      return line.end(order.reason);
  }
};

addEventListener("offline", () => line.drop());
