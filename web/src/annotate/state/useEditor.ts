import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { ChannelDisplay } from "../../viewer/display/channels";
import type { AnnotationApi, TilePixels } from "../api";
import type { Camera } from "../canvas/camera";
import type { Box, Point } from "../model/labels";
import { Recorder } from "../model/patch";
import { Prompting } from "../prompt/prompting";
import type { Outliner } from "../segment/clickSegment";
import { Segmenter } from "../segment/client";
import { words } from "../strings";
import type { TileSession } from "../tileSession";
import { ToolRunner } from "../tools/runner";
import type { SegmentGesture, ToolHost, ToolName, ToolSettings } from "../tools/types";
import { type Preferences, radiusAt, readPreferences, writePreferences } from "./preferences";
import { useSession } from "./useSession";

/** What is drawn while a gesture goes on. */
export interface Preview {
  readonly points: readonly Point[];
  readonly isClosed: boolean;
}

/** Everything that the parts of the editor share. */
export interface Editor {
  readonly session: TileSession;
  readonly tile: Box;
  readonly tool: ToolName;
  readonly label: number | null;
  readonly selected: ReadonlySet<number>;
  readonly preferences: Preferences;
  readonly camera: Camera;
  readonly runner: ToolRunner;
  /** An object that is pointed at, for a model to outline. */
  readonly prompting: Prompting;
  /** Told of every preview, without rendering. */
  readonly previews: { listener: (preview: Preview | null) => void };
  /** Told where the pointer is on the screen, null when it left, without rendering. */
  readonly pointer: { listener: (at: Point | null) => void };
  readonly message: string | null;
  setTool(tool: ToolName): void;
  setLabel(label: number | null): void;
  select(labels: Iterable<number>): void;
  setPreferences(preferences: Preferences): void;
  setCamera(camera: Camera): void;
  setMessage(message: string | null): void;
}

/** Radius of objects where nothing tells it. */
const USUAL_RADIUS = 12;
/** The surroundings are two diameters wide, of large objects; most are a little smaller. */
const RADIUS_PER_MARGIN = 0.2;

export function useEditor(
  session: TileSession,
  tile: Box,
  pixels: TilePixels,
  channels: readonly ChannelDisplay[],
  api: AnnotationApi,
): Editor {
  useSession(session);
  const [tool, setTool] = useState<ToolName>("brush");
  const [label, setLabel] = useState<number | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<number>>(new Set());
  const [preferences, setPreferences] = useState(readPreferences);
  const [camera, setCamera] = useState<Camera>({ scale: 1, x: 0, y: 0 });
  const [message, setMessage] = useState<string | null>(null);
  const previews = useRef<Editor["previews"]>({ listener: () => {} }).current;
  const pointer = useRef<Editor["pointer"]>({ listener: () => {} }).current;
  useEffect(() => writePreferences(preferences), [preferences]);
  const settings: ToolSettings = {
    tool,
    label,
    selected,
    radius: radiusAt(preferences, camera.scale),
    overwrite: preferences.protects ? "background" : "everything",
    autoLabel: preferences.autoLabel,
  };
  // Read when a tool needs them: a stroke goes on whatever is rendered anew around it.
  const { outliner } = preferences;
  const now = useRef({ settings, channels, tile, pixels, outliner });
  now.current = { settings, channels, tile, pixels, outliner };
  const segmenter = useMemo(() => new Segmenter(), []);
  useEffect(() => () => segmenter.close(), [segmenter]);
  const prompting = useMemo(
    () =>
      new Prompting(
        session,
        (request, signal) => api.outline(request, signal),
        () => shownChannels(now.current.channels),
      ),
    [session, api],
  );
  useEffect(() => () => prompting.cancel(), [prompting]);
  const select = useCallback((labels: Iterable<number>) => setSelected(new Set(labels)), []);
  const runner = useMemo(() => {
    const host: ToolHost = {
      session,
      settings: () => now.current.settings,
      setLabel,
      select,
      preview: (points, isClosed) => previews.listener(points && { points, isClosed }),
      prompt: (gesture) => {
        if (!prompting.isReady) return;
        const takes = "box" in gesture || prompting.point(gesture.at, gesture.inside);
        if ("box" in gesture) prompting.frame(gesture.box);
        setMessage(takes ? null : words.model.first);
      },
      segment: (gesture) =>
        segment(segmenter, session, now.current, gesture, (found) => {
          setMessage(found ? null : words.nothing);
          if (found) setLabel(gesture.label);
        }),
    };
    return new ToolRunner(host);
  }, [session, segmenter, prompting, previews, select]);
  return {
    session,
    tile,
    tool,
    label,
    selected,
    preferences,
    camera,
    runner,
    prompting,
    previews,
    pointer,
    message,
    setTool: (next) => {
      runner.cancel();
      if (prompting.isOpen && next !== tool) {
        prompting.cancel();
        setMessage(words.model.notTaken);
      }
      setTool(next);
    },
    setLabel,
    select,
    setPreferences,
    setCamera,
    setMessage,
  };
}

/** Channels that are shown: what a person sees is what a model sees. The first, if none is. */
function shownChannels(channels: readonly ChannelDisplay[]): number[] {
  const shown = channels.filter(({ visible }) => visible).map(({ index }) => index);
  return shown.length > 0 ? shown : [0];
}

/** What a click searches, and how. */
interface Searched {
  readonly tile: Box;
  readonly pixels: TilePixels;
  readonly channels: readonly ChannelDisplay[];
  readonly outliner: Outliner;
}

/** Asks for the object under clicks and puts it in, in place of what an earlier click of the same object gave. */
function segment(
  segmenter: Segmenter,
  session: TileSession,
  { tile, pixels, channels, outliner }: Searched,
  { inside, outside, label }: SegmentGesture,
  done: (found: boolean) => void,
): void {
  const { labels } = session.document;
  const radius = typicalRadius(session, tile);
  const picture = { width: pixels.width, height: pixels.height, data: greyOf(pixels, channels) };
  const request = { picture, labels: labels.data.slice(), inside, outside, radius, own: label, by: outliner };
  segmenter.ask(request, (places) => {
    const recorder = new Recorder(labels);
    const wanted = new Set(places);
    labels.data.forEach((each, i) => {
      if (each === label && !wanted.has(i)) recorder.set(i, 0);
    });
    for (const place of places) if (labels.data[place] === 0) recorder.set(place, label);
    session.commit("click-segment", recorder.take());
    done(places.length > 0);
  });
}

/** Radius of the objects that are there, of at least three; else what the width of the surroundings says. */
function typicalRadius({ document }: TileSession, tile: Box): number {
  const areas = document
    .objects()
    .map((label) => document.sizeOf(label))
    .sort((a, b) => a - b);
  const middle = areas[areas.length >> 1];
  if (areas.length >= 3 && middle) return Math.max(4, Math.sqrt(middle / Math.PI));
  const { width, height } = document.labels;
  const margin = Math.max(tile.x0, tile.y0, width - tile.x1, height - tile.y1);
  return margin > 0 ? Math.max(4, RADIUS_PER_MARGIN * margin) : USUAL_RADIUS;
}

/** Mean of the channels that are shown, each stretched as on screen: what a person sees is what is searched. */
function greyOf(pixels: TilePixels, channels: readonly ChannelDisplay[]): Float32Array {
  const grey = new Float32Array(pixels.width * pixels.height);
  for (const { index, visible, low, high } of channels) {
    const data = pixels.channels[index]?.data;
    if (!visible || !data) continue;
    const scale = 1 / Math.max(high - low, Number.MIN_VALUE);
    for (let i = 0; i < grey.length; i++) grey[i] = (grey[i] as number) + ((data[i] as number) - low) * scale;
  }
  return grey;
}
