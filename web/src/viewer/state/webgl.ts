/** Whether the browser can draw with WebGL2 at all, also in software. Asked once. */
let answer: boolean | null = null;

export function hasWebGL2(): boolean {
  if (answer === null) {
    const context = document.createElement("canvas").getContext("webgl2");
    answer = context !== null;
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return answer;
}
