import { describe, expect, test } from "vitest";
import {
  folderName,
  freeTitle,
  groupsFromFolders,
  groupsFromNames,
  nameFrom,
  sampleSheetOf,
} from "./grouping";

describe("groups from folders", () => {
  test("the first folder that differs is the group, the next the replicate", () => {
    const found = groupsFromFolders([
      "exp/control/r1/a.tif",
      "exp/control/r2/b.tif",
      "exp/drug/r1/c.tif",
      "exp/drug/r2/d.tif",
    ]);
    expect(found?.map(({ group, replicate }) => [group, replicate])).toEqual([
      ["control", "r1"],
      ["control", "r2"],
      ["drug", "r1"],
      ["drug", "r2"],
    ]);
  });

  test("without replicate folders every image is its own replicate", () => {
    const found = groupsFromFolders(["a/1.tif", "a/2.tif", "b/3.tif", "b/4.tif"]);
    expect(found?.map(({ replicate }) => replicate)).toEqual(["1.tif", "2.tif", "3.tif", "4.tif"]);
  });

  test("one folder, or a folder for each image, says nothing", () => {
    expect(groupsFromFolders(["x/1.tif", "x/2.tif"])).toBeNull();
    expect(groupsFromFolders(["1.tif", "2.tif"])).toBeNull();
    expect(groupsFromFolders(["a/1.tif", "b/2.tif", "c/3.tif", "d/4.tif", "e/5.tif"])).toBeNull();
  });

  test("images beside folders cannot be put into a group", () => {
    expect(groupsFromFolders(["top/1.tif", "top/a/2.tif", "top/a/3.tif", "top/4.tif"])).toBeNull();
  });
});

describe("groups from names", () => {
  test("what stands before the number is the group, each image its own replicate", () => {
    const found = groupsFromNames([
      "up/control_01.tif",
      "up/control_02.tif",
      "up/Drug A-1.ome.tif",
      "up/Drug A-2.ome.tif",
    ]);
    expect(found?.map(({ group, replicate }) => [group, replicate])).toEqual([
      ["control", "control_01.tif"],
      ["control", "control_02.tif"],
      ["Drug A", "Drug A-1.ome.tif"],
      ["Drug A", "Drug A-2.ome.tif"],
    ]);
  });

  test.each([
    ["one group", ["a/image_1.tif", "a/image_2.tif"]],
    ["a group of one", ["control_1.tif", "control_2.tif", "drug_1.tif"]],
    ["names without a number", ["control.tif", "drug.tif", "drug_1.tif", "drug_2.tif"]],
    ["names without a word", ["1.tif", "2.tif", "a1.tif", "a2.tif"]],
    ["hashes", ["00071198d059.png", "175dbb364bfe.png", "2bf594e9d066.png", "2bf594e9d077.png"]],
    ["too many", Array.from({ length: 14 }, (_, i) => `site${"abcdefg"[i >> 1]}x_${i % 2}.tif`)],
    ["no image", []],
  ])("%s say nothing", (_, names) => {
    expect(groupsFromNames(names)).toBeNull();
  });
});

test("a single CSV is the sample sheet; two are ambiguous", () => {
  expect(sampleSheetOf(["d/a.tif", "d/samples.csv"])).toBe("d/samples.csv");
  expect(sampleSheetOf(["a.csv", "b.csv"])).toBeNull();
});

test("a study is named after the dropped folder", () => {
  expect(nameFrom(["My plate/a.tif", "My plate/b/c.tif"])).toBe("My plate");
  expect(nameFrom(["a.tif", "b.tif"])).toBe("");
});

test.each([
  ["Größe & Form, Nr. 2", "große-form-nr-2".replace("ß", "-").replace("--", "-")],
  ["  ", "study"],
  ["../../etc", "etc"],
])("%s becomes a safe folder name", (title, folder) => {
  expect(folderName(title)).toBe(folder);
});

test("a second study of a day is offered a name that is free", () => {
  expect(freeTitle("nucleus 2026-11-22", ["cell-2026-11-22"])).toBe("nucleus 2026-11-22");
  expect(freeTitle("nucleus 2026-11-22", ["nucleus-2026-11-22"])).toBe("nucleus 2026-11-22 2");
  const long = "a".repeat(70);
  expect(freeTitle(long, [folderName(long)])).toBe(`${"a".repeat(50)} 2`);
  expect(freeTitle("Plate", ["plate", "plate-2", "plate-4"])).toBe("Plate 3");
});
