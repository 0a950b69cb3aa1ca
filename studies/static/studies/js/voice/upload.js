/**
 * Its name on the server, what it was judged, and HTML of what was found in it.
 * @typedef {{draft: string, verdict: "ok" | "warning" | "refused", report: string}} Draft
 */

/** An upload that was not taken; the message is for people. */
export class UploadProblem extends Error {}

/**
 * Sends a recording to be decoded and judged. XMLHttpRequest, because fetch does not tell how far an upload is.
 * @param {string} url
 * @param {Blob} audio
 * @param {string} csrfToken
 * @param {(share: number) => void} onProgress 0 to 1; 1 when all is sent and the server is at work
 * @param {AbortSignal} signal
 * @returns {Promise<Draft>}
 * @throws {UploadProblem}
 */
export function upload(url, audio, csrfToken, onProgress, signal) {
  const body = new FormData();
  body.append("audio", audio, "recording");
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(new UploadProblem(refusal(request)));
    };
    request.onerror = () => reject(new UploadProblem("The server cannot be reached. Your file was not lost; try again."));
    request.onabort = () => reject(new UploadProblem("Cancelled."));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", csrfToken);
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function refusal(request) {
  try {
    return JSON.parse(request.responseText).message;
  } catch {
    if (request.status === 403) return "You are signed out, or may not do this. Sign in in another tab, then try again.";
    return `The server answered ${request.status}. Please try again.`;
  }
}
