import { describe, expect, it } from "vitest";
import { AnnotationDocument, type Start } from "./document";
import type { JournalEntry } from "./journal";
import { type Labels, makeLabels } from "./labels";
import { floodFill, merge, paint, remove, split } from "./operations";
import { record } from "./patch";
import { drawing, forSeeds, type Random, randomLabels } from "./testing";

const copy = ({ width, height, data }: Labels): Labels => ({ width, height, data: data.slice() });
const open = (labels: Labels, status: Start["status"] = new Map()) => {
  const journal: JournalEntry[] = [];
  const document = new AnnotationDocument(
    { labels, status },
    (entry) => journal.push(entry),
    () => 0,
  );
  return { document, journal };
};

/** Something a person might do next. */
function act(document: AnnotationDocument, random: Random): void {
  const { labels } = document;
  const point = () => random.point(labels.width, labels.height);
  const objects = document.objects();
  const any = objects.length > 0 ? random.choose(objects) : 1;
  switch (random.integer(0, 7)) {
    case 0:
    case 1: {
      const label = random.choose([0, any, document.freshLabel()]);
      const dab = {
        from: point(),
        to: point(),
        radius: 4 * random.next(),
        label,
        overwrite: "everything",
      } as const;
      const patch = record(labels, (recorder) => paint(recorder, dab));
      document.commit("brush", patch, new Map(), random.next() < 0.3);
      break;
    }
    case 2:
      document.commit("fill", floodFill(labels, point(), document.freshLabel()));
      break;
    case 3:
      document.commit(
        "split",
        split(labels, [point(), point()], () => document.freshLabel()),
      );
      break;
    case 4:
      document.commit("merge", merge(labels, [any, random.choose([...objects, 1])]));
      break;
    case 5:
      document.commit("accept", new Int32Array(0), new Map([[any, "accepted" as const]]));
      break;
    case 6:
      document.commit("delete", remove(labels, [any]));
      break;
    default:
      for (let n = random.integer(1, 4); n > 0; n--) random.next() < 0.6 ? document.undo() : document.redo();
  }
}

const stateOf = (document: AnnotationDocument) => ({
  data: [...document.labels.data],
  status: [...document.status].sort(([a], [b]) => a - b),
});

describe("undo", () => {
  it("of everything gives the tile as it was opened, and redo as it was left", () => {
    forSeeds(120, (random) => {
      const { document } = open(randomLabels(random));
      const before = stateOf(document);
      for (let n = random.integer(1, 25); n > 0; n--) act(document, random);
      while (document.canRedo) document.redo();
      const after = stateOf(document);
      let steps = 0;
      while (document.canUndo) {
        document.undo();
        steps += 1;
      }
      expect(stateOf(document)).toEqual(before);
      for (let n = 0; n < steps; n++) document.redo();
      expect(document.canRedo).toBe(false);
      expect(stateOf(document)).toEqual(after);
    });
  });

  it("takes the parts of one stroke back together", () => {
    const { document } = open(makeLabels(4, 1));
    const pixel = (place: number) => record(document.labels, (recorder) => recorder.set(place, 5));
    document.commit("brush", pixel(0));
    document.commit("brush", pixel(1));
    document.commit("brush", pixel(2), new Map(), true);
    document.undo();
    expect([...document.labels.data]).toEqual([5, 0, 0, 0]);
    document.redo();
    expect([...document.labels.data]).toEqual([5, 5, 5, 0]);
  });

  it("with nothing to take back writes nothing", () => {
    const { document, journal } = open(makeLabels(2, 2));
    document.undo();
    document.redo();
    document.commit("delete", remove(document.labels, [3]));
    expect(journal).toEqual([]);
  });
});

describe("the journal", () => {
  it("replayed gives the same pixels, status, undo and redo, from text as it is stored", () => {
    forSeeds(120, (random) => {
      const labels = randomLabels(random);
      const { document, journal } = open(copy(labels));
      for (let n = random.integer(1, 30); n > 0; n--) act(document, random);
      const stored = JSON.parse(JSON.stringify(journal)) as JournalEntry[];
      const again = AnnotationDocument.replay({ labels, status: new Map() }, stored, () => {});
      expect(stateOf(again)).toEqual(stateOf(document));
      expect([again.length, again.canUndo, again.canRedo]).toEqual([
        document.length,
        document.canUndo,
        document.canRedo,
      ]);
      expect(again.objects()).toEqual(document.objects());
      while (document.canUndo) document.undo();
      while (again.canUndo) again.undo();
      expect(stateOf(again)).toEqual(stateOf(document));
    });
  });

  it("goes on after a reload without a gap", () => {
    forSeeds(40, (random) => {
      const labels = randomLabels(random);
      const { document, journal } = open(copy(labels));
      for (let n = 0; n < 6; n++) act(document, random);
      const start = { labels, status: new Map() };
      const second = AnnotationDocument.replay(start, journal, (entry) => journal.push(entry));
      for (let n = 0; n < 6; n++) act(second, random);
      expect(journal.map((entry) => entry.seq)).toEqual(journal.map((_, i) => i));
      expect(stateOf(AnnotationDocument.replay(start, journal, () => {}))).toEqual(stateOf(second));
    });
  });

  it("does not mind a line sent twice, and refuses a gap", () => {
    const { document, journal } = open(drawing("11.22"));
    document.commit("delete", remove(document.labels, [1]));
    document.note("display", { gamma: 1 });
    document.commit("delete", remove(document.labels, [2]));
    const start = { labels: drawing("11.22"), status: new Map() };
    const twice = [...journal, ...journal].reverse();
    expect(AnnotationDocument.replay(start, twice, () => {}).objects()).toEqual([]);
    const gap = journal.filter((entry) => entry.seq !== 1);
    expect(() => AnnotationDocument.replay(start, gap, () => {})).toThrow("line 1 of the journal is missing");
  });
});

describe("the status of an object", () => {
  const proposals = new Map([1, 2].map((label) => [label, "proposed" as const]));

  it("follows from what was done to its pixels", () => {
    const { document } = open(drawing("11.22."), proposals);
    document.commit(
      "brush",
      record(document.labels, (recorder) => recorder.set(2, 1)),
    );
    document.commit("delete", remove(document.labels, [2]));
    document.commit(
      "brush",
      record(document.labels, (recorder) => recorder.set(5, 8)),
    );
    expect(Object.fromEntries(document.status)).toEqual({ 1: "corrected", 2: "rejected", 8: "drawn" });
    document.undo();
    document.undo();
    expect(document.status.get(2)).toBe("proposed");
    expect(document.status.has(8)).toBe(false);
  });

  it("can be stated, and taken back", () => {
    const { document } = open(drawing("11.22."), proposals);
    document.commit("accept", new Int32Array(0), new Map([[1, "accepted" as const]]));
    expect(document.status.get(1)).toBe("accepted");
    document.undo();
    expect(document.status.get(1)).toBe("proposed");
  });

  it("of objects that were there before is drawn", () => {
    expect(open(drawing("11.22.")).document.status.get(2)).toBe("drawn");
  });
});

describe("a document", () => {
  it("counts pixels as a fresh count does, and never gives a number twice", () => {
    forSeeds(60, (random) => {
      const { document } = open(randomLabels(random));
      const given = new Set(document.objects());
      for (let n = 0; n < 15; n++) {
        act(document, random);
        const fresh = document.freshLabel();
        expect(given.has(fresh)).toBe(false);
        given.add(fresh);
      }
      for (const label of document.objects()) {
        expect(document.sizeOf(label)).toBe(document.labels.data.filter((each) => each === label).length);
      }
      expect(document.objects()).toEqual(
        [...new Set(document.labels.data)].filter((l) => l > 0).sort((a, b) => a - b),
      );
    });
  });

  it("leaves the labels it was opened with alone", () => {
    const labels = drawing("11.22");
    const { document } = open(labels);
    document.commit("delete", remove(document.labels, [1]));
    expect([...labels.data]).toEqual([1, 1, 0, 2, 2]);
  });
});
