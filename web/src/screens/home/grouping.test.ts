import { describe, expect, test } from "vitest";
import { folderName, groupsFromFolders, nameFrom, sampleSheetOf } from "./grouping";

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
