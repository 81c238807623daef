/** Files sent in pieces; what was cut off goes on where it stopped. */
import { ApiError, api, getJson, send, sendJson } from "./client";
import type { Upload, UploadFile } from "./types";

export interface NamedFile {
  /** Path inside what was dropped, such as `plate.zarr/0/c/0`. */
  name: string;
  file: Blob;
}
export interface UploadProgress {
  sent: number;
  total: number;
  name: string;
}

const MOST_TRIES = 8;
const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Send all files into one upload and give its id; `signal` stops it. What is not sent whole is removed. */
export async function uploadFiles(
  files: NamedFile[],
  onProgress: (progress: UploadProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const { value: upload } = await sendJson<Upload>("POST", api("uploads"));
  if (total > upload.limit_bytes) {
    await discardUpload(upload.id);
    throw new ApiError({
      type: "about:blank",
      title: "Too much to upload",
      status: 413,
      detail: `The files have ${gigabytes(total)}; the server has room for ${gigabytes(upload.limit_bytes)} at once.`,
      action: "Put them into a folder that the server can read, and choose “From a folder” instead.",
    });
  }
  let before = 0;
  try {
    for (const item of files) {
      await sendFile(upload, item, signal, (sent) => {
        onProgress({ sent: before + sent, total, name: item.name });
      });
      before += item.file.size;
    }
  } catch (error) {
    // Nobody knows its id any more: files of gigabytes would lie on the server for a day.
    const removed = discardUpload(upload.id);
    if (signal.aborted) await removed;
    throw error;
  }
  return upload.id;
}

async function sendFile(
  upload: Upload,
  { name, file }: NamedFile,
  signal: AbortSignal,
  onSent: (sent: number) => void,
): Promise<void> {
  let offset = 0;
  let tries = 0;
  do {
    signal.throwIfAborted();
    try {
      offset = await sendPiece(upload, name, file, offset, signal);
      tries = 0;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const received = error.status === 409 ? (error.problem.received ?? undefined) : undefined;
      if (received === undefined && !error.isConnection && error.status !== 503) throw error;
      if (++tries > MOST_TRIES) throw error;
      if (received === undefined) await pause(Math.min(8000, 400 * 2 ** tries));
      offset = received ?? (await whereToGoOn(upload.id, name, offset));
    }
    onSent(offset);
  } while (offset < file.size);
}

async function sendPiece(
  upload: Upload,
  name: string,
  file: Blob,
  offset: number,
  signal: AbortSignal,
): Promise<number> {
  const path = name.split("/").map(encodeURIComponent).join("/");
  const end = Math.min(file.size, offset + upload.chunk_bytes);
  const url = `${api("uploads", upload.id, "files")}/${path}?offset=${offset}&size=${file.size}`;
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await send(url, { method: "PUT", headers, body: file.slice(offset, end), signal });
  return ((await response.json()) as UploadFile).received;
}

async function whereToGoOn(upload: string, name: string, fallback: number): Promise<number> {
  try {
    const state = await getJson<Upload>(api("uploads", upload));
    return state.files.find((file) => file.name === name)?.received ?? 0;
  } catch {
    return fallback;
  }
}

export async function discardUpload(id: string): Promise<void> {
  await sendJson("DELETE", api("uploads", id)).catch(() => undefined); // Removed by itself within a day.
}
